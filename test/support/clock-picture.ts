import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { journalLines } from './operation.ts';

/** The blocks of `clock-camera.js`: so many a row, so many rows; the last eight check the others. */
const COLUMNS = 8;
const ROWS = 6;
/** Each block is averaged down to four by four pixels, of which the inner four are read. */
const ACROSS = 4;
const WIDTH = COLUMNS * ACROSS;
const HEIGHT = ROWS * ACROSS;

/** One decoded picture: media time within its take, and the true time that stands on it; null where it cannot be read. */
export type ClockFrame = { mediaMs: number; codedMs: number | null };

/** Read the clock from one grey picture of WIDTH × HEIGHT, UTC milliseconds; null when the check bits do not fit. */
function readClock(picture: Buffer): number | null {
  let bits = 0n;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const at = (x: number, y: number): number => picture[(row * ACROSS + y) * WIDTH + column * ACROSS + x] as number;
      bits = (bits << 1n) | (at(1, 1) + at(2, 1) + at(1, 2) + at(2, 2) > 4 * 127 ? 1n : 0n);
    }
  }
  return decodeClock(bits);
}

/** UTC milliseconds from the bits of a picture; null when the check bits do not fit. Runs in pages too: it refers to nothing around it. */
export function decodeClock(bits: bigint): number | null {
  const gray = bits >> 8n;
  let check = 0n;
  for (let shift = 0n; shift < 40n; shift += 8n) check = (check * 31n + ((gray >> shift) & 255n) + 7n) & 255n;
  if (check !== (bits & 255n)) return null;
  let value = gray;
  for (let shift = 1n; shift < 40n; shift <<= 1n) value ^= value >> shift;
  return 1.7e12 + Number(value);
}

/** Every picture of one take, in the order of its journal, decoded by ffmpeg; segments of sound alone have none. Throws with what ffmpeg complained of. */
export function readTake(journalPath: string): ClockFrame[] {
  const groups = new Map<string, string[]>();
  for (const line of journalLines(journalPath)) {
    if (line['type'] !== 'segment' || line['frames'] === 0) continue;
    groups.set(String(line['init']), [...(groups.get(String(line['init'])) ?? []), String(line['file'])]);
  }
  const dir = dirname(journalPath);
  return [...groups].flatMap(([init, files]) => decode(Buffer.concat([init, ...files].map((file) => readFileSync(join(dir, file))))));
}

function decode(input: Buffer): ClockFrame[] {
  const filter = `scale=${WIDTH}:${HEIGHT}:flags=area,format=gray,showinfo`;
  const args = ['-hide_banner', '-nostats', '-nostdin', '-copyts', '-i', 'pipe:0', '-map', '0:v:0', '-vf', filter];
  args.push('-fps_mode', 'passthrough', '-f', 'rawvideo', 'pipe:1');
  const { status, stdout, stderr } = spawnSync('ffmpeg', args, { input, maxBuffer: 1 << 28 });
  const said = stderr.toString();
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}: ${said.slice(-2000)}`);
  const times = [...said.matchAll(/\bn: *\d+ pts: *-?\d+ +pts_time:(-?[\d.]+)/g)].map((match) => Number(match[1]) * 1000);
  if (stdout.length !== times.length * WIDTH * HEIGHT) throw new Error(`${times.length} times, ${stdout.length} bytes of pictures`);
  return times.map((mediaMs, i) => ({ mediaMs, codedMs: readClock(stdout.subarray(i * WIDTH * HEIGHT, (i + 1) * WIDTH * HEIGHT)) }));
}
