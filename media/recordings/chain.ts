import { hash as hashOnce } from 'node:crypto';
import { HubError } from '../errors.ts';
import { JOURNAL_VERSION } from './lines.ts';

/**
 * The hash chain of a journal. A line is the JSON text of `{v, seq, prev, type, …}` with `"hash"` as its last member,
 * where hash = SHA-256 over the UTF-8 bytes of that text without the hash member. Anyone can check it: replace
 * `,"hash":"…"}` at the end of the line by `}` and hash what is left.
 */
export const GENESIS = '0'.repeat(64);
const TAIL = /^,"hash":"([0-9a-f]{64})"\}$/;
const TAIL_LENGTH = `,"hash":"${GENESIS}"}`.length;

export type ChainHead = { seq: number; hash: string };
export const EMPTY_HEAD: ChainHead = { seq: -1, hash: GENESIS };

const sha256 = (text: string): string => hashOnce('sha256', text, 'hex');

/** The next line after `head`, without its newline, and the new head. */
export function chainLine(head: ChainHead, data: { type: string }): { text: string; head: ChainHead } {
  const body = JSON.stringify({ v: JOURNAL_VERSION, seq: head.seq + 1, prev: head.hash, ...data });
  const hash = sha256(body);
  return { text: `${body.slice(0, -1)},"hash":"${hash}"}`, head: { seq: head.seq + 1, hash } };
}

/** The hash at a line's end where it is that of the line's own text; null where the line was changed, or is none. */
export function ownHash(text: string): string | null {
  const hash = TAIL.exec(text.slice(-TAIL_LENGTH))?.[1] ?? null;
  return hash !== null && sha256(`${text.slice(0, -TAIL_LENGTH)}}`) === hash ? hash : null;
}

/** Check one line against the head before it. Throws `corrupt`, saying which line and what is wrong. */
export function checkLine(head: ChainHead, text: string): { value: Record<string, unknown>; head: ChainHead } {
  const seq = head.seq + 1;
  if (!TAIL.test(text.slice(-TAIL_LENGTH))) throw new HubError('corrupt', `line ${seq}: no hash at its end`);
  const hash = ownHash(text);
  if (hash === null) throw new HubError('corrupt', `line ${seq}: its hash does not match its text`);
  const value = JSON.parse(text) as Record<string, unknown>;
  if (value['v'] !== JOURNAL_VERSION)
    throw new HubError('corrupt', `line ${seq}: format version ${String(value['v'])} is not ${JOURNAL_VERSION}`);
  if (value['seq'] !== seq) throw new HubError('corrupt', `line ${seq}: says it is number ${String(value['seq'])}`);
  if (value['prev'] !== head.hash) throw new HubError('corrupt', `line ${seq}: does not follow the line before it`);
  return { value, head: { seq, hash } };
}

/** Microseconds are more than any clock here is worth; journals need not carry the float's tail. */
export function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
