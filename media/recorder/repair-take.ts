import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { readFragments, readInit } from '../mp4/read.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import { type ChainHead, checkLine, EMPTY_HEAD } from '../recordings/chain.ts';
import { Journal, readJournal, syncDir } from '../recordings/journal.ts';
import { type SegmentLine, TakeLine } from '../recordings/lines.ts';
import { takeJournal } from '../recordings/paths.ts';

export type RepairedTake = {
  takeId: string;
  sourceKind: SourceKind;
  startMs: number;
  endMs: number;
  reason: Cause;
  /** Hash of the journal's first line, and its head. */
  firstHash: string;
  head: ChainHead;
  segments: SegmentLine[];
  totals: { frames: number; withheld: number; missing: number };
  /** Something had been left unfinished. */
  repaired: boolean;
};

/**
 * Bring a take's folder back to order after a crash: a torn journal line is cut off, a file that was begun and not
 * finished is cut after its last whole fragment, hashed and entered as recovered, the take is closed for this reason.
 * Every step can be repeated. Null when the take never got as far as a journal line.
 */
export async function repairTake(dir: string, takeId: string, reason: Cause): Promise<RepairedTake | null> {
  const path = takeJournal(dir);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const read = readJournal(bytes, (value) => TakeLine.parse(value));
  const start = read.lines[0];
  if (start?.type !== 'take.started') return null;
  const firstHash = checkLine(EMPTY_HEAD, bytes.toString('utf8', 0, bytes.indexOf(0x0a))).head.hash;
  const segments = read.lines.filter((line) => line.type === 'segment');
  const ended = read.lines.find((line) => line.type === 'take.ended');
  const base = { takeId, sourceKind: start.sourceKind, startMs: start.atMs, firstHash };
  if (ended) {
    const { frames, withheld, missing } = ended;
    return {
      ...base,
      endMs: ended.atMs,
      reason: ended.reason,
      head: read.head,
      segments,
      totals: { frames, withheld, missing },
      repaired: false,
    };
  }
  if (read.tornBytes > 0) await truncate(path, read.validBytes);
  const journal = await Journal.resume<TakeLine>(path, read.head);
  try {
    const head = await closeTake(dir, journal, read.lines, segments, start.atMs, reason);
    return { ...base, ...head, reason, segments, repaired: true };
  } finally {
    await journal.close();
  }
}

/** Enter what can be recovered, then the end. Adds to `segments`. */
async function closeTake(
  dir: string,
  journal: Journal<TakeLine>,
  lines: TakeLine[],
  segments: SegmentLine[],
  startMs: number,
  reason: Cause,
): Promise<Pick<RepairedTake, 'endMs' | 'head' | 'totals'>> {
  const recovered = await recoverLast(dir, lines, segments);
  await removeStrays(dir, lines);
  if (recovered) {
    await journal.append(recovered);
    segments.push(recovered);
  }
  const sum = (key: 'frames' | 'withheld' | 'missing'): number => segments.reduce((total, segment) => total + segment[key], 0);
  const totals = { frames: sum('frames'), withheld: sum('withheld'), missing: sum('missing') };
  const last = segments.at(-1);
  const endMs = last ? last.startMs + last.durationMs : startMs;
  const head = await journal.append({ type: 'take.ended', atMs: endMs, reason, segments: segments.length, ...totals });
  return { endMs, head, totals };
}

/** The file that was open when the hub died, as a segment line; null when nothing of it was written, or when somebody removed it. */
async function recoverLast(dir: string, lines: TakeLine[], closed: SegmentLine[]): Promise<SegmentLine | null> {
  const opened = lines.filter((line) => line.type === 'segment.opened').at(-1);
  if (!opened || closed.some((segment) => segment.file === opened.file)) return null;
  const path = join(dir, opened.file);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!bytes) return null;
  const { fragments, wholeBytes } = readFragments(bytes);
  if (fragments.length === 0) {
    await unlink(path);
    await syncDir(dir);
    return null;
  }
  if (wholeBytes < bytes.length) await truncate(path, wholeBytes);
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
  const tracks = readInit(await readFile(join(dir, opened.init)));
  const video = tracks.find((track) => track.kind === 'video');
  const audio = tracks.find((track) => track.kind === 'audio');
  const count = (trackId: number | undefined): number =>
    fragments.flatMap((f) => f.tracks).reduce((n, t) => n + (t.trackId === trackId ? t.samples : 0), 0);
  const primary = count(video?.trackId) > 0 ? video : audio;
  const last = fragments.flatMap((f) => f.tracks).findLast((track) => track.trackId === primary?.trackId);
  const endMs = last && primary ? ((last.baseTicks + last.durationTicks) * 1000) / primary.timescale : opened.mediaMs;
  const { type: _type, ...facts } = opened;
  return {
    type: 'segment',
    ...facts,
    durationMs: Math.round((endMs - opened.mediaMs) * 1000) / 1000,
    frames: count(video?.trackId),
    withheld: 0,
    missing: 0,
    audioFrames: count(audio?.trackId),
    fragments: fragments.length,
    sizeBytes: wholeBytes,
    sha256: createHash('sha256').update(bytes.subarray(0, wholeBytes)).digest('hex'),
    recovered: true,
  };
}

/** Files made just before their journal line would have been: empty segments, initialisation segments nothing refers to. */
async function removeStrays(dir: string, lines: TakeLine[]): Promise<void> {
  const known = new Set(lines.map((line) => ('file' in line ? line.file : '')));
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const stray = !known.has(name) && (/^init-\d+\.mp4$/.test(name) || (name.endsWith('.m4s') && (await stat(path)).size === 0));
    if (stray) await unlink(path);
  }
}
