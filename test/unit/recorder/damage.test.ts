import { describe, expect, it } from 'vitest';
import { Layers } from '../../../media/recorder/layers.ts';
import type { Damage } from '../../../media/recordings/lines.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { SourceClock } from '../../../media/time/capture-clock.ts';
import { picturePayload, rtpBytes, videoInput } from '../../support/rtp.ts';

const T0 = 1_800_000_000_000;
const STEP_MS = 1000 / 30;

/** Thirty pictures a second, a packet each: `delayMs` on the way, null for one that is lost. */
function damageOf(pictures: number, keys: number[], delayMs: (i: number) => number | null): Damage[] {
  const damage: Damage[] = [];
  const memory = new SlabPool();
  const layers = new Layers(videoInput(), new SourceClock(), memory, {
    frame: (frame) => memory.free(frame.data),
    withheld: ({ unit }) => memory.free(unit.data),
    missing: () => undefined,
    damage: (stretch) => void damage.push(stretch),
    layer: () => undefined,
    nextRun: () => 1,
  });
  for (let i = 0; i < pictures; i += 1) {
    const payload = picturePayload(keys.includes(i));
    const delay = delayMs(i);
    const arrivalMs = T0 + i * STEP_MS + (delay ?? 0);
    if (delay !== null) layers.rtp(rtpBytes(i, i * 3000, payload, true), arrivalMs);
    layers.expire(arrivalMs);
  }
  layers.expire(T0 + pictures * STEP_MS + 5000);
  return damage;
}

describe('a stretch of damage', () => {
  it('goes from the end of the last good picture to the next, and says what it lacks', () => {
    const [damage] = damageOf(90, [0, 60], (i) => (i > 30 && i < 34 ? null : 5));
    expect(damage).toMatchObject({ withheld: 26, missing: 3 });
    expect((damage as Damage).toMs - (damage as Damage).fromMs).toBeCloseTo(29 * STEP_MS, 0);
  });

  it('is as long as the pictures it lacks, whatever is learnt of the clock meanwhile', () => {
    // the way is half a second long at first: capture is taken for so much later than it was
    const [damage] = damageOf(90, [0, 60], (i) => (i > 30 && i < 34 ? null : i < 34 ? 500 : 5));
    expect(damage).toMatchObject({ withheld: 26, missing: 3 });
    expect((damage as Damage).toMs - (damage as Damage).fromMs).toBeCloseTo(29 * STEP_MS, 0);
  });

  it('is also a picture of which the end had not come when the take ended: withheld, behind the last good one', () => {
    const damage: Damage[] = [];
    const memory = new SlabPool();
    let withheld = 0;
    const layers = new Layers(videoInput(), new SourceClock(), memory, {
      frame: (frame) => memory.free(frame.data),
      withheld: () => void (withheld += 1),
      missing: () => undefined,
      damage: (stretch) => void damage.push(stretch),
      layer: () => undefined,
      nextRun: () => 1,
    });
    layers.rtp(rtpBytes(0, 0, picturePayload(true), true), T0);
    layers.rtp(rtpBytes(1, 3000, picturePayload(false), false), T0 + STEP_MS); // no marker: more of it is to come
    layers.flush(T0 + STEP_MS + 10);
    expect(withheld).toBe(1);
    expect(damage).toMatchObject([{ withheld: 1, missing: 0 }]);
    expect(damage[0]?.fromMs).toBeCloseTo(T0 + STEP_MS, 0);
  });
});
