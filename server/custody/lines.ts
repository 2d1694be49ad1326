import { createHash } from 'node:crypto';
import { z } from 'zod';
import { JOURNAL_VERSION, Sha256Hex } from '../../media/recordings/lines.ts';

/**
 * What the custody log tells of. Writing is held to this list, which grows with the hub; reading takes any word of its
 * form, so that an older program reads a newer log.
 */
export const WHATS = [
  'sign-in',
  'sign-out',
  'session.ended',
  'refused',
  'person.made',
  'person.changed',
  'person.password',
  'person.totp',
  'person.passkey',
  'squad.made',
  'squad.changed',
  'token.made',
  'token.revoked',
  'link.made',
  'link.used',
  'link.revoked',
  'device.made',
  'device.changed',
  'device.shut-out',
  'case.made',
  'case.changed',
  'operation.opened',
  'operation.started',
  'operation.changed',
  'operation.ended',
  'operation.sealed',
  'handover.given',
  'handover.answered',
  'takeover.answered',
  'angle.made',
  'angle.changed',
  'angle.removed',
  'source.added',
  'source.removed',
  'shot.ticked',
  'shot.unticked',
  'shot-list.changed',
  'take.moved',
  'alarm.dismissed',
  'view.live',
  'view.recording',
  'package.asked',
  'export',
  'setting.changed',
] as const;
export type What = (typeof WHATS)[number];

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export const Json: z.ZodType<Json> = z.json();

/** Who did it: somebody signed in, a program with a token, a phone with a capture link, the hub itself, or nobody known. */
export const Who = z.object({
  kind: z.enum(['person', 'token', 'link', 'hub', 'nobody']),
  id: z.string().nullable(),
  /** As it was at that time: names change, the log does not. */
  name: z.string().nullable(),
  address: z.string().nullable(),
});
export type Who = z.infer<typeof Who>;
export const THE_HUB: Who = { kind: 'hub', id: null, name: null, address: null };

const Entry = z.object({
  type: z.literal('custody'),
  what: z.string().regex(/^[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)?$/),
  who: Who,
  operationId: z.string().nullable(),
  angleId: z.string().nullable(),
  /** Id of what was made, changed, seen or refused. */
  subject: z.string().nullable(),
  outcome: z.enum(['done', 'refused', 'failed']),
  detail: z.record(z.string(), Json),
  /** When it happened, and when the line was written: hub time, whole milliseconds. */
  atMs: z.int(),
  writtenMs: z.int(),
  /** Written after the fact: what it tells of did not wait for the line. */
  late: z.boolean(),
});

const chained = { v: z.literal(JOURNAL_VERSION), seq: z.int().nonnegative(), prev: Sha256Hex, hash: Sha256Hex };

/** A line of `custody.ndjson`. */
export const CustodyLine = z.discriminatedUnion('type', [
  Entry.extend(chained),
  /** The hub began to write, and what it found: a torn last line is put aside, a broken chain is told and gone on from. */
  z.object({
    ...chained,
    type: z.literal('log.opened'),
    atMs: z.int(),
    publicKey: z.string(),
    /** The head that the hub itself had kept; null: none, so that a log cut at its end could not be seen. */
    keptSeq: z.int().nullable(),
    torn: z.object({ file: z.string(), sizeBytes: z.int(), sha256: Sha256Hex }).nullable(),
    problems: z.int().nonnegative(),
    firstProblems: z.array(z.string()),
  }),
  /** The line before it, signed: Ed25519 over `custody-head <headSeq> <headHash> <atMs>`. */
  z.object({
    ...chained,
    type: z.literal('head'),
    atMs: z.int(),
    headSeq: z.int().nonnegative(),
    headHash: Sha256Hex,
    publicKey: z.string(),
    signature: z.string(),
  }),
  /** So many entries were given up between these times: the disk took nothing, and memory was not to fill up. */
  z.object({ ...chained, type: z.literal('log.dropped'), atMs: z.int(), count: z.int().positive(), fromMs: z.int(), toMs: z.int() }),
]);
export type CustodyLine = z.infer<typeof CustodyLine>;

type WithoutChain<Line> = Line extends CustodyLine ? Omit<Line, keyof typeof chained> : never;
/** A line before it has its place in the chain. */
export type LineData = WithoutChain<CustodyLine>;
export type EntryData = Extract<LineData, { type: 'custody' }>;

/** What is told to the log; what is left out is null, `done`, empty, now and in time. */
export type CustodyEntry = {
  what: What;
  who: Who;
  operationId?: string | null;
  angleId?: string | null;
  subject?: string | null;
  outcome?: 'done' | 'refused' | 'failed';
  detail?: Record<string, Json>;
  atMs?: number;
  late?: boolean;
};

const MAX_TEXT = 1000;
/** Lists and records within one another, deeper than anything that the hub has a use for. */
const MAX_DEPTH = 12;
const MAX_ENTRY_BYTES = 16 * 1024 - 512; // with its place in the chain a line has 16 KiB at most

/**
 * The entry as it is written. Its size is bounded, and too much text is no reason to lose it: long texts are cut, which
 * shows, and so does what is nested too deep; details that are still too many are left out but for their size and SHA-256.
 */
export function entryData(entry: CustodyEntry, nowMs: number): EntryData {
  const { what, who, outcome = 'done', late = false } = entry;
  const detail = Object.fromEntries(Object.entries(entry.detail ?? {}).map(([name, value]) => [cut(name), shortened(value)]));
  const data: EntryData = {
    type: 'custody',
    what,
    who: { kind: who.kind, id: cutOrNull(who.id), name: cutOrNull(who.name), address: cutOrNull(who.address) },
    operationId: cutOrNull(entry.operationId),
    angleId: cutOrNull(entry.angleId),
    subject: cutOrNull(entry.subject),
    outcome,
    detail,
    atMs: Math.round(entry.atMs ?? nowMs),
    writtenMs: Math.round(nowMs),
    late,
  };
  if (Buffer.byteLength(JSON.stringify(data)) <= MAX_ENTRY_BYTES) return data;
  const whole = JSON.stringify(entry.detail ?? {});
  const sha256 = createHash('sha256').update(whole).digest('hex');
  const bare = { ...data, detail: { omitted: true, sizeBytes: Buffer.byteLength(whole), sha256 } };
  if (Buffer.byteLength(JSON.stringify(bare)) <= MAX_ENTRY_BYTES) return bare;
  const short = (text: string | null): string | null => text?.slice(0, 100) ?? null; // only control characters, six bytes each, get here
  const [id, name, address] = [short(data.who.id), short(data.who.name), short(data.who.address)];
  const ids = { operationId: short(data.operationId), angleId: short(data.angleId), subject: short(data.subject) };
  return { ...bare, ...ids, who: { kind: who.kind, id, name, address } };
}

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);
const cutOrNull = (text: string | null | undefined): string | null => (text === null || text === undefined ? null : cut(text));

function shortened(value: Json, depth = 0): Json {
  if (typeof value === 'string') return cut(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth === MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((inner) => shortened(inner, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [cut(name), shortened(inner, depth + 1)]));
}
