import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubError } from '../errors.ts';
import { syncDir } from '../recordings/journal.ts';
import { hashFile } from '../recordings/verify-files.ts';

const LABELS = 'labels.json';
const TAG_MANIFEST = 'tagmanifest-sha256.txt';

/**
 * Put labels (any JSON) into a package as a tag file of its own, in place of those that were there; nothing else of it is
 * touched, and it verifies as before. Where the hub dies in between, it does so again after the next call. `sizeBytes`, `files`:
 * by how much there is more of it. Throws `conflict` (`package`) when there is no package at that path.
 */
export async function writeLabels(path: string, labels: object): Promise<{ sizeBytes: number; files: number }> {
  const before = await readFile(join(path, TAG_MANIFEST), 'utf8').catch((error: unknown) => {
    throw new HubError('conflict', `package: it is not at ${path}`, { field: 'package', cause: error });
  });
  const others = before.split('\n').filter((line) => line !== '' && !line.endsWith(`  ${LABELS}`));
  const had = await sizeOf(join(path, LABELS));
  await replace(join(path, LABELS), `${JSON.stringify(labels, null, 2)}\n`);
  const { sha256, sizeBytes } = await hashFile(join(path, LABELS));
  const after = `${[...others, `${sha256}  ${LABELS}`].toSorted((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join('\n')}\n`;
  await replace(join(path, TAG_MANIFEST), after);
  const grown = Buffer.byteLength(after) - Buffer.byteLength(before);
  return { sizeBytes: sizeBytes - (had ?? 0) + grown, files: had === null ? 1 : 0 };
}

/** Whole or not at all. It is written beside the package, in which there may be nothing that is not listed. */
async function replace(path: string, text: string): Promise<void> {
  const bag = dirname(path);
  const partial = `${bag}.partial`;
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  await syncDir(bag);
}

const sizeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    () => null,
  );
