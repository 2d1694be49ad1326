import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clockOf, readAnchorMs } from './clock.ts';
import { stopAll } from './processes.ts';
import { type Picture, recordSource } from './source.ts';

const TMPFS = 0x01021994; // statfs(2), f_type

/** Where a bench works: a folder, the recorded sources in it, and the anchor of its time. */
export type Workspace = { root: string; keep: boolean; anchorMs: number; now: () => number; say: (text: string) => void };

/** Run a bench in a folder, which is removed afterwards unless it shall be kept. What it finds is left there as figures.json. */
export async function inWorkspace<T>(keep: string | null, say: (text: string) => void, work: (space: Workspace) => Promise<T>): Promise<T> {
  const root = keep ?? mkdtempSync(join(tmpdir(), 'fieldhub-bench-'));
  mkdirSync(root, { recursive: true });
  if (statfsSync(root).type === TMPFS) say(`${root} is in memory: flushing to it costs nothing. Use --keep DIR with a folder on a disk`);
  try {
    const anchorMs = readAnchorMs();
    const figures = await work({ root, keep: keep !== null, anchorMs, now: clockOf(anchorMs), say });
    writeFileSync(join(root, 'figures.json'), JSON.stringify(figures, null, 2));
    return figures;
  } finally {
    await stopAll();
    if (keep === null) rmSync(root, { recursive: true, force: true });
  }
}

/** Record these sources at the same time; resolves with their files. */
export async function recordSources({ root, say }: Workspace, pictures: Picture[]): Promise<string[]> {
  return Promise.all(
    pictures.map(async (picture) => {
      say(`recording a source of ${picture.size} …`);
      const path = join(root, `source-${picture.size}.json`);
      writeFileSync(path, JSON.stringify(await recordSource(picture)));
      return path;
    }),
  );
}
