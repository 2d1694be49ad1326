import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import { isDiskFull, syncDir } from '../recordings/journal.ts';
import { hashFile } from '../recordings/verify-files.ts';

const LABELS = 'labels.json';
const TAG_MANIFEST = 'tagmanifest-sha256.txt';

/**
 * Put labels (any JSON) into a package as a tag file of its own, in place of those that were there; nothing else of it is
 * touched, and it verifies as before. Where the hub dies in between, they are not in its tag manifest until they are put there
 * again. `sizeBytes`, `files`: how much more that is than the package without labels. Throws `conflict` when there is no package
 * at that path, `disk_full`, `unavailable` when nothing can be written there (all `package`).
 */
export async function writeLabels(path: string, labels: object): Promise<{ sizeBytes: number; files: number }> {
  const others = await otherTags(path);
  await replace(join(path, LABELS), `${JSON.stringify(labels, null, 2)}\n`);
  const { sha256, sizeBytes } = await hashFile(join(path, LABELS));
  const line = `${sha256}  ${LABELS}`;
  await replace(join(path, TAG_MANIFEST), manifestOf([...others, line]));
  return { sizeBytes: sizeBytes + Buffer.byteLength(line) + 1, files: 1 };
}

/** Take them out again: what they say has not come about. Throws likewise. */
export async function removeLabels(path: string): Promise<void> {
  await replace(join(path, TAG_MANIFEST), manifestOf(await otherTags(path)));
  await rm(join(path, LABELS), { force: true });
  await syncDir(path);
}

async function otherTags(path: string): Promise<string[]> {
  const manifest = await readFile(join(path, TAG_MANIFEST), 'utf8').catch((error: unknown) => {
    throw new HubError('conflict', `package: it is not at ${path}`, { field: 'package', cause: error });
  });
  return manifest.split('\n').filter((line) => line !== '' && !line.endsWith(`  ${LABELS}`));
}

const manifestOf = (lines: string[]): string => `${lines.toSorted((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join('\n')}\n`;

/** Whole or not at all. It is written beside the package, in which there may be nothing that is not listed. */
async function replace(path: string, text: string): Promise<void> {
  const bag = dirname(path);
  const partial = `${bag}.partial`;
  try {
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
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined); // the next call tries that again
    const why = `package: nothing can be written beside ${bag}: ${messageOf(cause)}`;
    throw isDiskFull(cause)
      ? new HubError('disk_full', why, { field: 'package', cause })
      : new HubError('unavailable', why, { field: 'package', cause });
  }
}
