import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { HubSide, type LoopDelay } from './hub-side.ts';
import { familyOf } from './proc.ts';
import { startProcess, stopProcess, until } from './processes.ts';
import { picturesIn } from './recorded.ts';
import type { RelayTarget } from './relay.ts';
import type { RivalOrder } from './rival.ts';

export const SEGMENT_MS = 4000;
/** `ingest`: the streams are taken in and not recorded, which is what the two others have in common. */
export type Way = 'ingest' | 'hub' | 'ffmpeg';

/** What a measurement needs to know of one way to record. */
export type Side = {
  targets: RelayTarget[];
  pids: () => number[];
  /** Resolves when every stream is being recorded. */
  ready: () => Promise<void>;
  /** Delay of the event loop since this was last asked; null where there is none to speak of. */
  loopDelay: () => Promise<LoopDelay | null>;
  /** Finish what is recorded; resolves with what is wrong with it, which is nothing if all is well. */
  end: () => Promise<string[]>;
  /** Pictures of the i-th stream on the disk, once ended. */
  recorded: (i: number) => number;
  close: () => Promise<void>;
};

export async function startSide(way: Way, dir: string, streams: number, keep: boolean): Promise<Side> {
  return way === 'hub' ? hub(dir, streams, keep) : rival(dir, streams, way === 'ffmpeg', keep);
}

async function hub(dir: string, streams: number, keep: boolean): Promise<Side> {
  const { side, targets } = await HubSide.start(dir, streams, SEGMENT_MS);
  let frames: number[] = [];
  return {
    targets,
    pids: () => side.pids,
    ready: () => until('every stream is recorded', async () => (await side.recording()) === streams),
    loopDelay: () => side.loopDelay(),
    end: async () => {
      await side.endOperation();
      const { problems, angles } = await verifyOperation(side.operationDir);
      frames = angles.map((angle) => angle.frames);
      return problems.map(({ path, message }) => `${path}: ${message}`);
    },
    recorded: (i) => frames[i] ?? 0,
    close: () => side.close(keep),
  };
}

async function rival(dir: string, streams: number, ffmpeg: boolean, keep: boolean): Promise<Side> {
  const order: RivalOrder = { streams, dir, segmentS: SEGMENT_MS / 1000, ffmpeg };
  const { child, first } = await startProcess('./rival.ts', order);
  const targets = first as RelayTarget[];
  const dirOf = (i: number): string => join(dir, String(i));
  return {
    targets,
    pids: () => familyOf(child.pid ?? 0),
    ready: () =>
      ffmpeg ? until('every ffmpeg records', () => targets.every((_, i) => picturesIn(dirOf(i)).length > 0)) : Promise.resolve(),
    loopDelay: () => Promise.resolve(null),
    end: async () => {
      await stopProcess(child);
      return [];
    },
    recorded: (i) => picturesIn(dirOf(i)).length,
    close: async () => {
      await stopProcess(child);
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
}
