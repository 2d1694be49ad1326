import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import type { Still } from '../protocol/stills.ts';
import { syncDir } from '../recordings/journal.ts';
import type { OperationLine } from '../recordings/lines.ts';
import { readImageFile, stillsOf } from '../recordings/stills.ts';
import { hashFile } from '../recordings/verify-files.ts';
import type { MarksOwner } from './marks.ts';

export type NewStill = Pick<Still, 'stillId' | 'angleId' | 'atMs' | 'sha256'>;
type StillsOwner = MarksOwner & { operationDir: string; refuse: (dir: string) => HubError | null };

/** The pictures that operators took, beside what they filmed: moved into the angle's folder and journalled. Sent again they change nothing. */
export class Stills {
  readonly #owner: StillsOwner;
  readonly #stills: Map<string, Still>;
  readonly #entering = new Map<string, Promise<Still>>();

  constructor(owner: StillsOwner, before: OperationLine[]) {
    this.#owner = owner;
    this.#stills = new Map(stillsOf(before).map((still) => [still.stillId, still]));
  }

  /** `path`: the upload, flushed to the disk, which is moved away. Throws `bad_request` when it is not what was announced. */
  async add(made: NewStill, path: string): Promise<Still> {
    const present = this.#stills.get(made.stillId);
    if (present) return present;
    let entering = this.#entering.get(made.stillId);
    if (!entering) {
      entering = this.#enter(made, path).finally(() => this.#entering.delete(made.stillId));
      this.#entering.set(made.stillId, entering);
    }
    return entering;
  }

  async #enter({ stillId, angleId, atMs, sha256 }: NewStill, path: string): Promise<Still> {
    const { operationId, operationDir, openedMs, journal, nowMs, emit, assertLive, refuse } = this.#owner;
    assertLive();
    const angleDir = join(operationDir, angleId);
    const refusal = refuse(angleDir);
    if (refusal) throw refusal;
    const image = await readImageFile(path);
    if (!image) throw new HubError('bad_request', 'this is neither JPEG nor PNG', { field: 'type' });
    const found = await hashFile(path);
    if (found.sha256 !== sha256) throw new HubError('bad_request', 'the picture did not arrive as it was sent', { field: 'sha256' });
    const file = `stills/${stillId}.${image.type === 'image/png' ? 'png' : 'jpg'}`;
    await place(path, join(angleDir, 'stills'), join(angleDir, file));
    const receivedMs = nowMs();
    const takenMs = Math.min(receivedMs, Math.max(openedMs, atMs));
    const still: Still = { stillId, angleId, atMs: takenMs, receivedMs, file, ...image, sizeBytes: found.sizeBytes, sha256 };
    const { type, ...rest } = still;
    assertLive();
    await journal.append({ type: 'still', image: type, ...rest });
    journal.signSoon();
    this.#stills.set(stillId, still);
    emit({ type: 'still', operationId, still });
    return still;
  }
}

/** By its name where both lie on one disk, else as a copy. Durable when it returns. */
async function place(from: string, dir: string, to: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o750 });
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV') throw error;
    await copyFile(from, to);
    const copy = await open(to, 'r');
    try {
      await copy.sync();
    } finally {
      await copy.close();
    }
    await rm(from, { force: true });
  });
  await syncDir(dir);
}
