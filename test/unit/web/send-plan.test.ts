import { describe, expect, it } from 'vitest';
import { carries, sendPlan } from '../../../web/media/send-plan.ts';
import { readSent } from '../../../web/media/sent.ts';
import { sendQuality } from '../../../web/composables/send-quality.ts';
import { controlsOf } from '../../../web/composables/camera-abilities.ts';

describe('what a phone sends', () => {
  it.each([
    [20e6, 720, 3],
    [4e6, 720, 2],
    [2e6, 720, 1],
    [3e5, 720, 1],
    [20e6, 1080, 3],
    [5e6, 1080, 1],
    [null, 720, 1],
  ] as const)('%s bit/s, %sp: %s layers', (uplinkBps, lines, layers) => {
    const plan = sendPlan(uplinkBps, lines);
    expect(plan.layers).toBe(layers);
    expect(plan.encodings).toHaveLength(layers);
    expect(plan.encodings.at(-1)?.maxBitrate).toBe(lines === 720 ? 2_500_000 : 4_500_000);
  });

  it('is scaled explicitly, the lowest layer first, and never takes more than the uplink with some to spare', () => {
    const { encodings } = sendPlan(20e6, 720);
    expect(encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
    for (let uplinkBps = 3e6; uplinkBps < 10e6; uplinkBps += 1e5) {
      const plan = sendPlan(uplinkBps, 720);
      const sum = plan.encodings.reduce((total, { maxBitrate = 0 }) => total + maxBitrate, 0);
      if (plan.layers > 1) expect(sum * 1.2).toBeLessThan(uplinkBps);
    }
  });

  it('starts where the uplink allows, and within bounds', () => {
    expect(sendPlan(null, 720).startBitrateKbps).toBe(1500);
    expect(sendPlan(1e5, 720).startBitrateKbps).toBe(300);
    expect(sendPlan(2e6, 720).startBitrateKbps).toBe(1400);
    expect(sendPlan(1e9, 720).startBitrateKbps).toBe(4000);
  });

  it('may be forced by the link', () => {
    expect(sendPlan(null, 720, 3).layers).toBe(3);
    expect(sendPlan(20e6, 720, 1).encodings).toEqual([{ maxBitrate: 2_500_000 }]);
  });

  it('says whether an uplink carries a size at all', () => {
    expect(carries(3e6, 720)).toBe(true);
    expect(carries(3e6, 1080)).toBe(false);
    expect(carries(null, 1080)).toBeNull();
  });
});

describe('what a sender’s statistics say', () => {
  const layer = (more: object) => ({
    type: 'outbound-rtp',
    framesEncoded: 10,
    bytesSent: 100,
    framesPerSecond: 25,
    qualityLimitationReason: 'none',
    ...more,
  });

  it('is the sum of all layers, and of the best one that flows its size and pace', () => {
    const sent = readSent([
      layer({ frameWidth: 320, frameHeight: 180 }),
      layer({ frameWidth: 720, frameHeight: 1280, framesPerSecond: 24, qualityLimitationReason: 'bandwidth' }),
      layer({ frameWidth: 1080, frameHeight: 1920, framesPerSecond: 0 }),
      { type: 'remote-inbound-rtp', fractionLost: 0.1 },
      { type: 'candidate-pair' },
    ]);
    expect(sent).toEqual({ framesEncoded: 30, bytes: 300, limitation: 'bandwidth', lossShare: 0.1, framesPerSecond: 24, lines: 720 });
  });

  it('is nothing where there are none', () => expect(readSent([])).toMatchObject({ framesEncoded: 0, lines: 0 }));
});

describe('bars', () => {
  const well = { bitrateBps: 2e6, framesPerSecond: 30, limitation: 'none', lossShare: 0, lines: 720 };
  it.each([
    [{}, 4],
    [{ limitation: 'bandwidth' }, 3],
    [{ lossShare: 0.03 }, 3],
    [{ lines: 360 }, 2],
    [{ framesPerSecond: 7 }, 2],
    [{ lossShare: 0.08 }, 2],
    [{ lossShare: 0.3 }, 1],
    [{ framesPerSecond: 3 }, 1],
    [{ framesPerSecond: 0 }, 0],
    [{ bitrateBps: 0 }, 0],
  ])('%j: %i', (some, bars) => expect(sendQuality({ ...well, ...some }, 720)).toBe(bars));
  it('do not count against a camera what it does not have', () => expect(sendQuality({ ...well, lines: 480 }, 480)).toBe(4));
});

describe('what a camera says it can do', () => {
  it.each([
    [{}, { torch: false, zoom: null }],
    [
      { torch: true, zoom: { min: 1, max: 8, step: 0.1 } },
      { torch: true, zoom: { min: 1, max: 8, step: 0.1 } },
    ],
    [{ torch: [false, true] }, { torch: true, zoom: null }],
    [
      { torch: [false], zoom: { min: 1, max: 1 } },
      { torch: false, zoom: null },
    ],
    [{ zoom: { min: 1, max: 3 } }, { torch: false, zoom: { min: 1, max: 3, step: 0.02 } }],
  ])('%j', (capabilities, controls) => expect(controlsOf(capabilities)).toEqual(controls));
});
