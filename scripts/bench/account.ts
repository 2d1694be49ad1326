import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaPlaylist } from '../../media/hls/playlist.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { hubTakes, picturesOfTake } from './hub-recording.ts';
import { ffmpegComplaints } from './processes.ts';
import { firstFrame } from './recorded.ts';
import type { SenderTruth } from './sender-order.ts';

const FRAME_MS = 1000 / 30;

/** What became of the frames of one stream. `unaccounted` is sent − recorded − withheld − missing: 0 if all is well. */
export type Account = {
  stream: number;
  takes: number;
  sent: number;
  recorded: number;
  withheld: number;
  missing: number;
  unaccounted: number;
  /** Recorded pictures that are not, by time and size, a frame that was sent, or not in its order. */
  misplaced: number;
};

/** Read the i-th stream's takes from the disk and compare them with what was sent. */
export function accountOf(operationDir: string, i: number, truth: SenderTruth): Account {
  const takes = hubTakes(operationDir, i);
  let [recorded, withheld, missing, misplaced] = [0, 0, 0, 0];
  for (const take of takes) {
    const pictures = picturesOfTake(take);
    recorded += pictures.length;
    withheld += take.withheld;
    missing += take.missing;
    const firstMs = pictures[0]?.ms ?? 0;
    const first = firstFrame(pictures, truth, take.segments[0]?.line.startMs);
    let last = -1;
    for (const { ms, bytes } of pictures) {
      const at = (first ?? NaN) + Math.round((ms - firstMs) / FRAME_MS);
      if (!(at > last) || truth.bytes[at] !== bytes) misplaced += 1;
      last = at;
    }
  }
  const unaccounted = truth.frames - recorded - withheld - missing;
  return { stream: i, takes: takes.length, sent: truth.frames, recorded, withheld, missing, unaccounted, misplaced };
}

/** What ffmpeg says against the playlist of any take; each is made for that take alone and taken away again. */
export async function playlistComplaints(operationDir: string): Promise<{ takes: number; complaints: string[] }> {
  const operation = await readOperation(operationDir);
  const complaints: string[] = [];
  let takes = 0;
  for (const angle of operation.angles) {
    for (const take of angle.takes) {
      takes += 1;
      const path = join(operationDir, angle.angleId, `${take.takeId}.m3u8`);
      writeFileSync(path, mediaPlaylist({ ...operation, interruptions: [], angles: [{ ...angle, takes: [take] }] }, angle.angleId));
      const said = await ffmpegComplaints(['-i', path, '-f', 'null', '-']);
      if (said !== '') complaints.push(`${angle.angleId}/${take.takeId}: ${said}`);
      rmSync(path);
    }
  }
  return { takes, complaints };
}
