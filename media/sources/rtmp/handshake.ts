import { randomBytes } from 'node:crypto';

/** Each side sends the version and so many bytes, which the other sends back (RTMP 1.0, 5.2). */
export const HANDSHAKE_BYTES = 1536;
export const VERSION = 3;

/** The version and our own bytes, with a time of 0: C0 and C1, or S0 and S1. */
export function greeting(): Buffer {
  return Buffer.concat([Buffer.from([VERSION]), randomBytes(HANDSHAKE_BYTES).fill(0, 0, 8)]);
}
