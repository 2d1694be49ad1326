import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFragments } from '../../media/mp4/read.ts';

/** Pictures in a folder of ffmpeg's HLS segments, which are fragmented MP4 with the picture as track 1. */
export function picturesIn(dir: string): number {
  if (!existsSync(dir)) return 0;
  let pictures = 0;
  for (const name of readdirSync(dir).filter((each) => each.endsWith('.m4s')))
    for (const { tracks } of readFragments(readFileSync(join(dir, name))).fragments)
      for (const { trackId, samples } of tracks) if (trackId === 1) pictures += samples;
  return pictures;
}
