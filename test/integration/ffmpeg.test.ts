import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import ffmpeg from 'fluent-ffmpeg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpegCommand, run } from '../../media/archive/ffmpeg.ts';
import { posterFrame } from '../../media/archive/poster.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'fieldhub-ffmpeg-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The real ffmpeg, with the tables of version 7 and later, whose lines have one column more. */
function newerFfmpeg(): string {
  const path = join(dir, 'ffmpeg-7');
  const script = `#!/bin/sh
case "$*" in
  *-formats*) printf 'Formats:\\n D.. = Demuxing supported\\n .E. = Muxing supported\\n ..d = Is a device\\n ---\\n  DE  mp4             MP4\\n  D d lavfi           Libavfilter\\n   E  image2          image2 sequence\\n';;
  *-encoders*) printf 'Encoders:\\n V..... = Video\\n ------\\n VFS..D mjpeg            MJPEG\\n';;
  *-codecs*) printf 'Codecs:\\n D..... = Decoding supported\\n -------\\n DEVIL. mjpeg            Motion JPEG\\n';;
  *-filters*) printf 'Filters:\\n  T.. = Timeline support\\n  .S. = Slice threading\\n';;
  *) exec ffmpeg "$@";;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}
const picture = (output: string) => ['-frames:v', '1', '-f', 'image2', output];

describe('ffmpegCommand', () => {
  it('works where the capability check of fluent-ffmpeg reads the tables of a newer ffmpeg wrongly', async () => {
    const source = 'testsrc2=size=320x180:rate=10';
    const make = (command: ffmpeg.FfmpegCommand, path: string) =>
      command.setFfmpegPath(newerFfmpeg()).inputFormat('lavfi').outputOptions(picture(path).slice(0, 2));
    const path = join(dir, 'one.jpg');
    // why the wrapper is there: the library alone refuses
    await expect(run(make(ffmpeg(source), path), path)).rejects.toThrow(/not available/);
    await run(make(ffmpegCommand(source), path), path);
    expect(statSync(path).size).toBeGreaterThan(1000);
  });

  it('rejects with what ffmpeg said', async () => {
    await expect(run(ffmpegCommand(join(dir, 'nothing.mp4')), join(dir, 'out.jpg'))).rejects.toThrow(/No such file/);
  });
});

describe('posterFrame', () => {
  it('makes a small picture of a segment once, and keeps it', async () => {
    const file = join(dir, 'clip.mp4');
    const flags = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof'];
    spawnSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=640x360:rate=10:duration=1',
      '-c:v',
      'libx264',
      ...flags,
      file,
    ]);
    const bytes = readFileSync(file);
    const moof = bytes.indexOf('moof') - 4;
    writeFileSync(join(dir, 'init.mp4'), bytes.subarray(0, moof));
    writeFileSync(join(dir, 'segment.m4s'), bytes.subarray(moof));
    const options = { init: join(dir, 'init.mp4'), segment: join(dir, 'segment.m4s'), cacheDir: join(dir, 'posters'), name: 'op-angle' };
    const [first, second] = await Promise.all([posterFrame(options), posterFrame(options)]);
    expect(first).toBe(second);
    expect(readFileSync(first).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    const madeMs = statSync(first).mtimeMs;
    await posterFrame(options);
    expect(statSync(first).mtimeMs).toBe(madeMs);
    expect(existsSync(join(dir, 'posters', `.op-angle-${process.pid}.jpg`))).toBe(false);
  });
});
