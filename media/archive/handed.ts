import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import { hashFile } from '../recordings/verify-files.ts';

/** What a package holds, in figures by which it is known again. */
export type Payload = { files: number; sizeBytes: number; manifestSha256: string };

/**
 * Of a package's payload: its Payload-Oxum (RFC 8493, 2.2.2) and the SHA-256 of its list of hashes, which stays the same whatever
 * labels it gets. Throws `conflict` (`package`) when there is no package at that path.
 */
export async function payloadOf(path: string): Promise<Payload> {
  try {
    const oxum = oxumIn(await readFile(join(path, 'bag-info.txt'), 'utf8'));
    if (oxum === null) throw new Error('bag-info.txt has no Payload-Oxum');
    return { ...oxum, manifestSha256: (await hashFile(join(path, 'manifest-sha256.txt'))).sha256 };
  } catch (error) {
    throw new HubError('conflict', `package: it is not whole at ${path}`, { field: 'package', cause: error });
  }
}

/** The Payload-Oxum that stands in a `bag-info.txt`. */
export function oxumIn(info: string): Omit<Payload, 'manifestSha256'> | null {
  const [, octets, files] = /^Payload-Oxum: (\d+)\.(\d+)$/m.exec(info) ?? [];
  return octets === undefined || files === undefined ? null : { files: Number(files), sizeBytes: Number(octets) };
}
