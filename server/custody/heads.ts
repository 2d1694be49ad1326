import { createPublicKey, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { HubError, messageOf } from '../../media/errors.ts';
import type { ChainHead } from '../../media/recordings/chain.ts';
import { Sha256Hex } from '../../media/recordings/lines.ts';
import type { Signer } from '../../media/recordings/signer.ts';

/** How far the custody log had come at a moment, signed: kept elsewhere, it shows what was cut off or written anew since. */
export const SignedHead = z.object({
  /** Number of the last line; −1 of an empty log. */
  seq: z.int().min(-1),
  hash: Sha256Hex,
  atMs: z.int(),
  /** SPKI DER, base64. */
  publicKey: z.string(),
  signature: z.string(),
});
export type SignedHead = z.infer<typeof SignedHead>;

const headText = (seq: number, hash: string, atMs: number): string => `custody-head ${seq} ${hash} ${atMs}`;

export function signHead(signer: Signer, { seq, hash }: ChainHead, nowMs: number): SignedHead {
  const atMs = Math.round(nowMs);
  return { seq, hash, atMs, publicKey: signer.publicKey, signature: signer.sign(headText(seq, hash, atMs)) };
}

/** Whether the key that a head names has signed it. */
export function isSigned({ seq, hash, atMs, publicKey, signature }: SignedHead): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return verify(null, Buffer.from(headText(seq, hash, atMs), 'ascii'), key, Buffer.from(signature, 'base64'));
  } catch {
    return false; // no key at all
  }
}

/** A head as `head.json` keeps it; null where there is no such file. Throws `corrupt` for anything else. */
export async function readHead(path: string): Promise<SignedHead | null> {
  try {
    return SignedHead.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new HubError('corrupt', `${path} is no head of a custody log: ${messageOf(error)}`, { cause: error });
  }
}
