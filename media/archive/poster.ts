import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ffmpegCommand, run } from './ffmpeg.ts';

const running = new Map<string, Promise<string>>();

/** The first picture of a segment as a small JPEG, made once and kept. A derived copy: never part of a package. */
export function posterFrame(options: { init: string; segment: string; cacheDir: string; name: string }): Promise<string> {
  const path = join(options.cacheDir, `${options.name}.jpg`);
  if (existsSync(path)) return Promise.resolve(path);
  const present = running.get(path);
  if (present) return present;
  const made = make(options, path).finally(() => running.delete(path));
  running.set(path, made);
  return made;
}

/** A small JPEG of an image, made once and kept; never part of a package. */
export function thumbnail(image: string, cacheDir: string, name: string): Promise<string> {
  const path = join(cacheDir, `${name}.jpg`);
  if (existsSync(path)) return Promise.resolve(path);
  const present = running.get(path);
  if (present) return present;
  const made = smaller(image, { cacheDir, name }, path).finally(() => running.delete(path));
  running.set(path, made);
  return made;
}

async function make(
  { init, segment, cacheDir, name }: { init: string; segment: string; cacheDir: string; name: string },
  path: string,
): Promise<string> {
  return smaller(`concat:${init}|${segment}`, { cacheDir, name }, path);
}

async function smaller(input: string, { cacheDir, name }: { cacheDir: string; name: string }, path: string): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const temporary = join(cacheDir, `.${name}-${process.pid}.jpg`);
  await run(ffmpegCommand(input).outputOptions(['-frames:v', '1', '-vf', 'scale=480:-2', '-q:v', '4', '-an']), temporary);
  await rename(temporary, path);
  return path;
}
