import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Still } from '../protocol/stills.ts';
import { readImage } from './image-size.ts';
import type { OperationLine } from './lines.ts';
import { hashFile, type Report } from './verify-files.ts';

/** A JPEG's frame header may stand behind its EXIF data with a thumbnail, 64 KiB a piece. */
const HEAD_BYTES = 1 << 20;

/** The stills of an operation's journal, in the order in which they came. */
export function stillsOf(lines: OperationLine[]): Still[] {
  return lines.flatMap((line) => {
    if (line.type !== 'still') return [];
    const { type: _type, image, ...still } = line;
    return [{ ...still, type: image }];
  });
}

/** What an image file says of itself; null when it is none. */
export async function readImageFile(path: string): Promise<ReturnType<typeof readImage>> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(bytes, 0, HEAD_BYTES, 0);
    return readImage(bytes.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Pictures of which no journal line was written: the hub died, and whoever sent them will send them again. */
export async function unknownStills(operationDir: string, angleId: string, stills: Still[]): Promise<string[]> {
  const known = new Set(stills.filter((still) => still.angleId === angleId).map(({ file }) => file));
  const names = await readdir(join(operationDir, angleId, 'stills')).catch(() => []);
  return names.map((name) => `stills/${name}`).filter((file) => !known.has(file));
}

/** Every still that the journal knows is there as it was; `known` and `hashes` learn of it. */
export async function checkStills(
  dir: string,
  stills: Still[],
  known: Set<string>,
  hashes: Map<string, string>,
  report: Report,
): Promise<void> {
  for (const still of stills) {
    const path = `${still.angleId}/${still.file}`;
    known.add(path);
    const found = await hashFile(join(dir, path)).catch((error: NodeJS.ErrnoException) => {
      report(path, error.code === 'ENOENT' ? 'is missing' : `cannot be read: ${error.message}`);
      return null;
    });
    if (!found) continue;
    hashes.set(path, still.sha256);
    if (found.sizeBytes !== still.sizeBytes) report(path, `has ${found.sizeBytes} bytes, its journal says ${still.sizeBytes}`);
    if (found.sha256 !== still.sha256) report(path, 'its SHA-256 is not the one in its journal: it was changed');
  }
}
