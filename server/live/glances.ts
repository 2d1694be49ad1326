import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { posterFrame } from '../../media/archive/poster.ts';
import { HubError } from '../../media/errors.ts';
import { operationDir, takeDir } from '../../media/recordings/paths.ts';
import { hasPictures, readOperation } from '../../media/recordings/read.ts';

/** However many boards ask, a picture is made so often and no more. */
const FRESH_MS = 8000;

type Glance = { atMs: number; path: Promise<string> };

/** What an operation looks like now, for the board: a small picture out of the last segment that any of its angles has closed. */
export class Glances {
  readonly #dataDir: string;
  readonly #kept = new Map<string, Glance>();

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** The path of a JPEG. Throws `not_found` while nothing has been recorded. `nowMs`: of any one clock. */
  async of(operationId: string, nowMs: number): Promise<string> {
    const known = this.#kept.get(operationId);
    if (known && nowMs - known.atMs < FRESH_MS) return known.path;
    const made = this.#make(operationId);
    this.#kept.set(operationId, { atMs: nowMs, path: made });
    try {
      const path = await made;
      const before = await known?.path.catch(() => null);
      if (before && before !== path) await rm(before, { force: true });
      return path;
    } catch (error) {
      this.#kept.delete(operationId);
      throw error;
    }
  }

  async #make(operationId: string): Promise<string> {
    const dir = operationDir(this.#dataDir, operationId);
    const { angles } = await readOperation(dir);
    const last = angles
      .flatMap(({ angleId, takes }) =>
        takes.map((take) => ({ angleId, take, segment: take.segments.findLast((each) => hasPictures(take, each)) })),
      )
      .flatMap(({ segment, ...rest }) => (segment ? [{ ...rest, segment }] : []))
      .toSorted((one, other) => one.segment.startMs - other.segment.startMs)
      .at(-1);
    if (!last) throw new HubError('not_found', 'this operation has no picture yet', { field: 'operationId' });
    const { angleId, take, segment } = last;
    const folder = takeDir(dir, angleId, take.takeId);
    return posterFrame({
      init: join(folder, segment.init),
      segment: join(folder, segment.file),
      cacheDir: join(this.#dataDir, 'posters'),
      name: `glance-${operationId}-${angleId}-${take.takeId}-${segment.file}`,
    });
  }
}
