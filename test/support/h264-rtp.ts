import { spawnSync } from 'node:child_process';

const NAL_AUD = 9;
const FU_A = 28;

/** ffmpeg's test picture through x264, as access units of NAL units; one key frame every half second, 30 a second. */
export function x264Units(profile: 'baseline' | 'high', size: string, frames: number): Buffer[][] {
  const input = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=30`, '-frames:v', String(frames), '-pix_fmt', 'yuv420p'];
  const encoder = ['-c:v', 'libx264', '-profile:v', profile, '-preset', 'veryfast', '-g', '15', '-bf', '0', '-x264-params', 'aud=1'];
  const { stdout, stderr } = spawnSync('ffmpeg', ['-v', 'error', ...input, ...encoder, '-f', 'h264', '-'], { maxBuffer: 2 ** 26 });
  if (stderr.length > 0) throw new Error(stderr.toString());
  const units: Buffer[][] = [];
  for (const nal of nalsOf(stdout)) {
    if (((nal[0] as number) & 0x1f) === NAL_AUD) units.push([]);
    else units.at(-1)?.push(nal);
  }
  return units;
}

/** NAL units of a byte stream (ITU-T H.264, annex B). */
function nalsOf(stream: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex')) starts.push(at + 3);
  return starts.map((start, i) => {
    let end = i + 1 < starts.length ? (starts[i + 1] as number) - 3 : stream.length;
    while (stream[end - 1] === 0) end -= 1; // of a start code of four bytes
    return stream.subarray(start, end);
  });
}

/** The payloads of one access unit (RFC 6184, 5.6 and 5.8): NAL units whole where they fit, else in fragments. */
export function h264Payloads(nals: Buffer[], mostBytes = 1200): Buffer[] {
  return nals.flatMap((nal) => {
    if (nal.length <= mostBytes) return [nal];
    const header = nal[0] as number;
    const parts: Buffer[] = [];
    for (let at = 1; at < nal.length; at += mostBytes - 2) {
      const part = nal.subarray(at, at + mostBytes - 2);
      const edge = (at === 1 ? 0x80 : 0) | (at + part.length === nal.length ? 0x40 : 0);
      parts.push(Buffer.concat([Buffer.from([(header & 0xe0) | FU_A, edge | (header & 0x1f)]), part]));
    }
    return parts;
  });
}
