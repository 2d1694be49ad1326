/** Makes test/fixtures/rtp-*.json anew: `node test/support/capture-fixtures.ts`. What is in them stands in test/fixtures/README.md. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { av1Packets } from './av1-rtp.ts';
import { ffmpegRtp, type SentRtp } from './ffmpeg-rtp.ts';

const MOST_PACKETS = 48;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=15', '-frames:v', '12', '-g', '6', '-pix_fmt', 'yuv420p'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '0.8'];
const CODECS: Record<string, string[]> = {
  h264: [...PICTURE, '-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-crf', '30'],
  h265: [...PICTURE, '-c:v', 'libx265', '-preset', 'ultrafast', '-bf', '2', '-crf', '32', '-x265-params', 'log-level=none:open-gop=1'],
  vp8: [...PICTURE, '-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '200k'],
  vp9: [...PICTURE, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '200k', '-strict', 'experimental'],
  aac: [...SOUND, '-ac', '2', '-c:a', 'aac', '-b:a', '32k', '-flags', '+global_header'],
  opus: [...SOUND, '-ac', '2', '-c:a', 'libopus', '-b:a', '24k'],
  pcmu: [...SOUND, '-ac', '1', '-ar', '8000', '-c:a', 'pcm_mulaw'],
  pcma: [...SOUND, '-ac', '1', '-ar', '8000', '-c:a', 'pcm_alaw'],
};

function write(codec: string, { track, packets }: SentRtp): void {
  const path = new URL(`../fixtures/rtp-${codec}.json`, import.meta.url);
  const text = { track, packets: packets.slice(0, MOST_PACKETS).map((packet) => packet.toString('base64')) };
  writeFileSync(path, `${JSON.stringify(text, null, 2)}\n`);
}

for (const [codec, args] of Object.entries(CODECS)) write(codec, await ffmpegRtp(args, 400));
const dir = mkdtempSync(join(tmpdir(), 'fieldhub-fixtures-'));
const ivf = join(dir, 'av1.ivf');
spawnSync('ffmpeg', ['-v', 'error', ...PICTURE, '-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-b:v', '100k', ivf]);
const track = { mimeType: 'video/AV1', clockRate: 90_000, channels: null, parameters: {} };
write('av1', { track, packets: av1Packets(readFileSync(ivf), true, 400) });
rmSync(dir, { recursive: true });
