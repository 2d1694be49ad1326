import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../media/recorder/frame.ts';
import { Layers } from '../../../media/recorder/layers.ts';
import type { Damage } from '../../../media/recordings/lines.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { SourceClock } from '../../../media/time/capture-clock.ts';
import { picturePayload, rtpBytes, videoInput } from '../../support/rtp.ts';

const T0 = 1_800_000_000_000;
const STEP = 3000;

/** A sender of three simulcast layers, one packet a frame, made by hand; and what the recorder takes of it. */
function sender() {
  const frames: { atMs: number; layer: number; key: boolean }[] = [];
  const changes: { atMs: number; layer: number }[] = [];
  const damage: Damage[] = [];
  const counts = { withheld: 0, missing: 0, asked: 0 };
  const memory = new SlabPool();
  let runs = 0;
  const ssrcs = [11, 22, 33];
  const input = videoInput({ layers: ssrcs, requestKeyFrame: () => void (counts.asked += 1) });
  const layers = new Layers(input, new SourceClock(), memory, {
    frame: (frame: Frame) => {
      frames.push({ atMs: Math.round(frame.capture.hubMs - T0), layer: frame.data.at(-1) ?? -1, key: frame.key });
      memory.free(frame.data);
    },
    withheld: ({ unit }) => {
      counts.withheld += 1;
      memory.free(unit.data);
    },
    missing: (lost) => void (counts.missing += lost),
    nextRun: () => (runs += 1),
    damage: (stretch) => void damage.push(stretch),
    layer: (hubMs, layer) => void changes.push({ atMs: Math.round(hubMs - T0), layer }),
  });
  const sequence = [0, 1000, 2000];
  /** The i-th picture of one layer; lower layers arrive first. */
  const send = (i: number, layer: number, key: boolean, lose = false): void => {
    const atMs = T0 + (i * 1000) / 30 + layer * 2;
    const payload = picturePayload(key, layer);
    const number = sequence[layer] as number;
    sequence[layer] = number + 1;
    if (!lose) layers.rtp(rtpBytes(number, 500_000 * layer + i * STEP, payload, true, 96, ssrcs[layer]), atMs);
  };
  const play = (from: number, to: number, which: number[], keys: number[]): void => {
    for (let i = from; i < to; i += 1) {
      for (const layer of which) send(i, layer, keys.includes(i));
      layers.expire(T0 + (i * 1000) / 30 + 10);
    }
  };
  return { frames, changes, damage, counts, layers, memory, send, play };
}

/** No two pictures of one moment, none out of order, no step longer than `longestMs`. */
function expectSteady(frames: { atMs: number }[], longestMs: number): void {
  frames.forEach(({ atMs }, i) => {
    const before = frames[i - 1];
    if (!before) return;
    expect(atMs - before.atMs).toBeGreaterThan(15);
    expect(atMs - before.atMs).toBeLessThanOrEqual(longestMs);
  });
}

describe('simulcast layers', () => {
  it('begin with the highest that comes with the first key frames, though lower ones come first', () => {
    const { frames, changes, play, memory, layers } = sender();
    play(0, 30, [0, 1, 2], [0]);
    expect(changes.map(({ layer }) => layer)).toEqual([2]);
    expect(frames).toHaveLength(30);
    expect(new Set(frames.map(({ layer }) => layer))).toEqual(new Set([2]));
    layers.flush(T0 + 2000);
    expect(memory.livePieces).toBe(0);
  });

  it('never wait for the top: the lowest alone is recorded from its first picture', () => {
    const { frames, changes, play } = sender();
    play(0, 30, [0], [0]);
    expect(changes.map(({ layer }) => layer)).toEqual([0]);
    expect(frames).toHaveLength(30);
  });

  it('go up at a key frame that was asked for, without a gap', () => {
    const { frames, changes, counts, play } = sender();
    play(0, 30, [0], [0]);
    const { asked } = counts;
    play(30, 60, [0, 1, 2], [30]); // the new layers' own first key frames come behind the lowest one's
    expect(counts.asked).toBeGreaterThan(asked);
    play(60, 90, [0, 1, 2], [60]);
    expect(changes.at(-1)?.layer).toBe(2);
    expect(frames.at(-1)?.layer).toBe(2);
    expect(counts.withheld + counts.missing).toBe(0);
    expectSteady(frames, 45);
    expect(frames).toHaveLength(90);
  });

  it('ask for a key frame where a higher layer flows and none comes by itself', () => {
    const { changes, counts, send, play } = sender();
    play(0, 30, [0], [0]);
    send(30, 2, true);
    send(30, 0, false); // the top began with a key frame of its own; ours goes on
    const asked = counts.asked;
    play(31, 90, [0, 2], []);
    expect(counts.asked > asked || changes.at(-1)?.layer === 2).toBe(true);
    play(90, 100, [0, 2], [90]);
    expect(changes.at(-1)?.layer).toBe(2);
  });

  it('fall back to what is left when the recorded layer stops, and say so', () => {
    const { frames, changes, counts, play } = sender();
    play(0, 60, [0, 1, 2], [0]);
    const asked = counts.asked;
    play(60, 90, [0, 1], []); // the top is gone
    expect(counts.asked).toBeGreaterThan(asked);
    play(90, 120, [0, 1], [90]);
    expect(changes.map(({ layer }) => layer)).toEqual([2, 1]);
    expect(frames.at(-1)).toMatchObject({ layer: 1 });
    expectSteady(frames, 1100);
  });

  it('count only what the recorded layer lacks', () => {
    const { frames, counts, damage, send, play, layers } = sender();
    play(0, 30, [0, 1, 2], [0]);
    send(30, 0, false, true);
    send(30, 1, false, true);
    for (const layer of [0, 1, 2]) send(31, layer, false);
    layers.expire(T0 + 3000);
    expect(counts).toMatchObject({ withheld: 0, missing: 0 });
    send(32, 2, false, true);
    send(33, 2, false);
    layers.expire(T0 + 4000);
    for (const layer of [0, 1, 2]) send(130, layer, true);
    layers.expire(T0 + 6000);
    expect(counts).toMatchObject({ withheld: 1, missing: 1 });
    expect(damage).toHaveLength(1);
    expect(damage[0]).toMatchObject({ withheld: 1, missing: 1 });
    expect(frames.at(-1)).toMatchObject({ key: true, layer: 2 });
  });
});
