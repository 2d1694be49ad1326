import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaPlaylist } from '../../media/hls/playlist.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { journalLines } from './operation.ts';

export type Played = { status: number | null; said: string; playlist: string };

/**
 * ffmpeg's null output rounds times to a frame rate that it guesses: of pictures that come unevenly (a busy machine's fake
 * camera) two may then fall together. Without rounding it must not say so.
 */
const ROUNDED = /^\[null @ \w+\] Application provided invalid, non monotonically increasing dts to muxer in stream \d+: (\d+) >= \1$/;
const UNROUNDED = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];

/** Play one take of an operation's folder as an HLS player would, by the product's own playlist, with ffmpeg, with and without rounding; `said` is all it complains of. */
export async function playTake(operationDir: string, angleId: string, takeId: string): Promise<Played> {
  const recorded = await readOperation(operationDir);
  const angles = recorded.angles
    .filter((angle) => angle.angleId === angleId)
    .map((angle) => ({ ...angle, takes: angle.takes.filter((take) => take.takeId === takeId) }));
  const playlist = mediaPlaylist({ ...recorded, angles }, angleId);
  const path = join(operationDir, angleId, `take-${takeId}.m3u8`);
  // of an operation that still runs, ffmpeg would wait for more
  writeFileSync(path, playlist.includes('#EXT-X-ENDLIST') ? playlist : `${playlist}#EXT-X-ENDLIST\n`);
  const plain = play(path, []);
  const exact = play(path, UNROUNDED);
  rmSync(path); // it is in no journal
  return {
    status: plain.status || exact.status,
    said: plain.said
      .filter((line) => !ROUNDED.test(line))
      .concat(exact.said)
      .join('\n'),
    playlist,
  };
}

/** A file, or what comes as `input` through a pipe. Each line in full: "last message repeated" could be of any. */
function play(path: string, more: string[], input?: Buffer): { status: number | null; said: string[] } {
  const quiet = input ? [] : ['-nostdin'];
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'repeat+error', ...quiet, '-i', path, ...more, '-f', 'null', '-'], { input });
  return { status, said: stderr.toString().split('\n').filter(Boolean) };
}

/** Names of an angle's takes. */
export function takesOf(angleDir: string): string[] {
  return readdirSync(angleDir)
    .filter((name) => /^\d{4,6}$/.test(name))
    .toSorted();
}

export type SegmentFacts = {
  file: string;
  init: string;
  mediaMs: number;
  durationMs: number;
  frames: number;
  audioFrames: number;
  audioMissing: number;
  withheld: number;
  missing: number;
  startMs: number;
};

/** The closed segments of a take. */
export function segmentsOf(takeDir: string): SegmentFacts[] {
  return journalLines(join(takeDir, 'journal.ndjson')).filter(({ type }) => type === 'segment') as unknown as SegmentFacts[];
}

/** Where each packet of one kind stands on the take's time line by ffprobe, seconds, in the order of its files. */
export function packetTimes(takeDir: string, kind: 'audio' | 'video'): number[] {
  return segmentsOf(takeDir).flatMap((segment) => {
    if (segment[kind === 'audio' ? 'audioFrames' : 'frames'] === 0) return [];
    const input = Buffer.concat([segment.init, segment.file].map((file) => readFileSync(join(takeDir, file))));
    const args = ['-v', 'error', '-select_streams', kind.slice(0, 1), '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', 'pipe:0'];
    const { stdout } = spawnSync('ffprobe', args, { input });
    return stdout.toString().split('\n').filter(Boolean).map(Number.parseFloat);
  });
}

export type Line = Record<string, unknown>;

/** The journals of every take of an angle, in order. */
export function journalsOf(operationDir: string, angleId: string): { dir: string; lines: Line[] }[] {
  return takesOf(join(operationDir, angleId)).map((name) => {
    const dir = join(operationDir, angleId, name);
    return { dir, lines: journalLines(join(dir, 'journal.ndjson')) };
  });
}

export const segmentLines = (lines: Line[]): Line[] => lines.filter((line) => line['type'] === 'segment');

/** Less than a picture lasts: hub time by which pictures are placed may shift by some milliseconds within a segment. */
const LESS_THAN_A_PICTURE_MS = 16;

/**
 * Of a take whose camera still sent when it ended, the picture of which only the beginning had come: 1 where there was one. It is
 * withheld behind the last one shown, and says nothing of how the stream was recorded.
 */
export function cutOff(lines: Line[]): number {
  const last = segmentLines(lines).findLast((line) => Number(line['frames']) > 0);
  const endMs = Number(last?.['startMs']) + Number(last?.['durationMs']);
  const stretches = lines.flatMap((line) => (line['damage'] ?? []) as { toMs: number; missing: number; withheld: number }[]);
  const { toMs = 0, withheld, missing } = stretches.at(-1) ?? {};
  return withheld === 1 && missing === 0 && toMs > endMs - LESS_THAN_A_PICTURE_MS ? 1 : 0;
}

/** So many segments are asked about at once. */
const AT_ONCE = 16;

/** What ffmpeg has to say of each closed segment of an angle, with its name; nothing, when all is well. Where it has rounded, without that too. */
export function complaints(operationDir: string, angleId: string): string[] {
  const segments = journalsOf(operationDir, angleId).flatMap(({ dir, lines }) =>
    segmentLines(lines).map((line) => ({ path: join(dir, String(line['file'])), init: join(dir, String(line['init'])) })),
  );
  const there = segments.filter(({ path }) => existsSync(path));
  const batches = Array.from({ length: Math.ceil(there.length / AT_ONCE) }, (_, n) => there.slice(n * AT_ONCE, (n + 1) * AT_ONCE));
  return [
    ...segments.filter(({ path }) => !existsSync(path)).map(({ path }) => `${path}: is missing`),
    // each is an input of its own, and is asked about alone where anything at all is said: a start of ffmpeg costs more than a segment
    ...batches.filter((batch) => playEach(batch) !== '').flatMap((batch) => batch.flatMap(complaint)),
  ];
}

function playEach(segments: { path: string; init: string }[]): string {
  const inputs = segments.flatMap(({ path, init }) => ['-i', `concat:${init}|${path}`]);
  const outputs = segments.flatMap((_, n) => ['-map', String(n), '-f', 'null', '-']);
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'repeat+error', '-nostdin', ...inputs, ...outputs]);
  return status === 0 ? stderr.toString() : `ffmpeg ended with ${status}: ${stderr.toString()}`;
}

function complaint({ path, init }: { path: string; init: string }): string[] {
  const input = Buffer.concat([readFileSync(init), readFileSync(path)]);
  const { said } = play('pipe:0', [], input);
  const faults = said.filter((line) => !ROUNDED.test(line));
  if (faults.length < said.length) faults.push(...play('pipe:0', UNROUNDED, input).said);
  return faults.length === 0 ? [] : [`${path}: ${faults.join('\n')}`];
}
