import { createHash } from 'node:crypto';
import { open, readdir, readFile, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { VIDEO_TIMESCALE } from '../mp4/init.ts';
import { readFragments, readInit } from '../mp4/read.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import { type ChainHead, checkLine, EMPTY_HEAD, round3 } from '../recordings/chain.ts';
import { Journal, readJournal, syncDir } from '../recordings/journal.ts';
import { type SegmentLine, TakeLine } from '../recordings/lines.ts';
import { takeJournal } from '../recordings/paths.ts';

type WithheldLine = Extract<TakeLine, { type: 'withheld' }>;
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
    const head = await closeTake(dir, journal, read.lines, segments, start, reason);
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
  start: Extract<TakeLine, { type: 'take.started' }>,
  reason: Cause,
): Promise<Pick<RepairedTake, 'endMs' | 'head' | 'totals'>> {
  const recovered = await recoverLast(dir, lines, segments, start.segmentMs);
  await removeStrays(dir, lines);
  const sides = await recoverSideFiles(dir, lines);
  for (const side of sides) await journal.append(side);
  if (recovered) {
    await journal.append(recovered);
    segments.push(recovered);
  }
  const sum = (key: 'frames' | 'withheld' | 'missing'): number => segments.reduce((total, segment) => total + segment[key], 0);
  // the segment that was cut does not say what was withheld beside it, the side files do
  const kept = [...lines, ...sides].reduce((total, line) => total + (line.type === 'withheld' ? line.frames : 0), 0);
  const totals = { frames: sum('frames'), withheld: Math.max(sum('withheld'), kept), missing: sum('missing') };
  const last = segments.at(-1);
  const endMs = last ? last.startMs + last.durationMs : start.atMs;
  const head = await journal.append({ type: 'take.ended', atMs: endMs, reason, segments: segments.length, ...totals, damage: [] });
  return { endMs, head, totals };
}

/** The file that was open when the hub died, as a segment line; null when nothing of it was written, or when somebody removed it. */
async function recoverLast(dir: string, lines: TakeLine[], closed: SegmentLine[], segmentMs: number): Promise<SegmentLine | null> {
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
  await keepWhole(path, wholeBytes);
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
    durationMs: round3(endMs - opened.mediaMs),
    frames: count(video?.trackId),
    withheld: 0,
    missing: 0,
    audioFrames: count(audio?.trackId),
    audioMissing: 0,
    damage: [],
    overrunMs: round3(Math.max(0, opened.startMs + endMs - opened.mediaMs - (opened.cell + 1) * segmentMs)),
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

/** Side files written in full whose journal line never came: their pictures stay known. */
async function recoverSideFiles(dir: string, lines: TakeLine[]): Promise<WithheldLine[]> {
  const known = new Set(lines.map((line) => ('file' in line ? line.file : '')));
  const init = lines.findLast((line) => line.type === 'init');
  const opened = lines.findLast((line) => line.type === 'segment.opened');
  const found: WithheldLine[] = [];
  for (const file of (await readdir(dir)).toSorted()) {
    const cell = /^withheld-(\d+)-\d+\.m4s$/.exec(file)?.[1];
    if (cell === undefined || known.has(file)) continue;
    const path = join(dir, file);
    const bytes = await readFile(path);
    const { fragments, wholeBytes } = readFragments(bytes);
    const track = fragments[0]?.tracks[0];
    if (!track || !opened) {
      await unlink(path);
      continue;
    }
    await keepWhole(path, wholeBytes);
    const fromMs = round3(opened.startMs + (track.baseTicks * 1000) / VIDEO_TIMESCALE - opened.mediaMs);
    const toMs = round3(fromMs + (track.durationTicks * 1000) / VIDEO_TIMESCALE);
    const sha256 = createHash('sha256').update(bytes.subarray(0, wholeBytes)).digest('hex');
    const facts = { file, init: init?.file ?? null, cell: Number(cell), fromMs, toMs, frames: track.samples };
    found.push({ type: 'withheld', ...facts, sizeBytes: wholeBytes, sha256 });
  }
  return found;
}

/** Cut a file after its last whole fragment, and see it onto the disk. */
async function keepWhole(path: string, wholeBytes: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    if ((await file.stat()).size > wholeBytes) await file.truncate(wholeBytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}
