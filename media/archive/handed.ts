import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';

/** What a package holds, in figures by which it is known again. */
export type Payload = { files: number; sizeBytes: number; manifestSha256: string };

/**
 * Of a package's payload: its Payload-Oxum (RFC 8493, 2.2.2) and the SHA-256 of its list of hashes, which stays the same whatever
 * labels it gets. Throws `conflict` (`package`) when there is no package at that path.
 */
export async function payloadOf(path: string): Promise<Payload> {
  try {
    const manifest = await readFile(join(path, 'manifest-sha256.txt'));
    const info = await readFile(join(path, 'bag-info.txt'), 'utf8');
    const [, octets, files] = /^Payload-Oxum: (\d+)\.(\d+)$/m.exec(info) ?? [];
    if (octets === undefined || files === undefined) throw new Error('bag-info.txt has no Payload-Oxum');
    return { files: Number(files), sizeBytes: Number(octets), manifestSha256: createHash('sha256').update(manifest).digest('hex') };
  } catch (error) {
    throw new HubError('conflict', `package: it is not whole at ${path}`, { field: 'package', cause: error });
  }
}
