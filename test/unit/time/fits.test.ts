import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureClock, SourceClock } from '../../../media/time/capture-clock.ts';
import { DelayEnvelope } from '../../../media/time/envelope.ts';
import { HubClock } from '../../../media/time/hub-clock.ts';
import { SenderFit } from '../../../media/time/sender-fit.ts';
import { noise } from '../../support/noise.ts';

const percentile = (values: number[], part: number): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] as number;

type Sender = {
  offsetMs: number;
  driftPpm: number;
  jitterMs: number;
  seconds: number;
  firstTimestamp?: number;
  stepAtS?: number;
  stepMs?: number;
};

/** A made-up camera of 30 pictures a second with a report a second; gives the stamping errors after the first ten seconds. */
function simulate({ offsetMs, driftPpm, jitterMs, seconds, firstTimestamp = 0xffff0000, stepAtS = Infinity, stepMs = 0 }: Sender): {
  stamped: number[];
  arrived: number[];
} {
  const random = noise(42);
  const clock = new CaptureClock(new SourceClock(), 90_000);
  const transitMs = 12;
  const stamped: number[] = [];
  const arrived: number[] = [];
  for (let i = 0; i < seconds * 30; i += 1) {
    const trueMs = 1_000_000 + (i * 1000) / 30; // by the sender's own oscillator, which the RTP clock counts
    const hubMs = trueMs * (1 + driftPpm / 1e6);
    const senderMs = trueMs + offsetMs + (i / 30 >= stepAtS ? stepMs : 0);
    const timestamp = (firstTimestamp + i * 3000) % 2 ** 32;
    const arrivalMs = hubMs + transitMs + random() * jitterMs;
    if (i % 30 === 0) clock.report(timestamp, senderMs);
    clock.observe(timestamp, arrivalMs);
    const error = clock.captureTime(timestamp).hubMs - (hubMs + transitMs);
    if (i > 300) {
      stamped.push(Math.abs(error));
      arrived.push(arrivalMs - (hubMs + transitMs));
    }
  }
  return { stamped, arrived };
}

describe('capture time', () => {
  for (const offsetMs of [0, 5000, -5000, 7 * 3600_000])
    for (const driftPpm of [-50, 0, 50, 200])
      it(`is right for a sender ${offsetMs} ms off that drifts by ${driftPpm} ppm, through the wrap of its timestamps`, () => {
        const { stamped, arrived } = simulate({ offsetMs, driftPpm, jitterMs: 30, seconds: 120 });
        expect(percentile(stamped, 0.95)).toBeLessThan(driftPpm === 200 ? 8 : 3);
        expect(percentile(stamped, 0.95)).toBeLessThan(0.3 * percentile(arrived, 0.95));
      });

  it('does not move when the sender sets its clock by five seconds in mid-take', () => {
    const { stamped } = simulate({ offsetMs: 100, driftPpm: 20, jitterMs: 20, seconds: 90, stepAtS: 40, stepMs: 5000 });
    expect(Math.max(...stamped)).toBeLessThan(15);
  });

  it('goes by arrival before the first report, never by the sender, and says so', () => {
    const clock = new CaptureClock(new SourceClock(), 90_000);
    for (let i = 0; i < 30; i += 1) clock.observe(i * 3000, 5000 + (i * 1000) / 30 + (i % 5) * 4);
    const { hubMs, method, errorMs } = clock.captureTime(29 * 3000);
    expect(method).toBe('arrival');
    expect(hubMs).toBeCloseTo(5000 + 29_000 / 30, 3);
    expect(errorMs).toBeGreaterThan(0);
  });

  it('takes half the least round trip off, and says how far an uneven path can mislead', () => {
    const source = new SourceClock();
    const clock = new CaptureClock(source, 90_000);
    clock.observe(0, 1000);
    expect(clock.captureTime(0).hubMs).toBe(1000);
    source.noteRoundTrip(80);
    source.noteRoundTrip(40);
    source.noteRoundTrip(90);
    expect(clock.captureTime(0).hubMs).toBe(980);
    expect(clock.captureTime(0).errorMs).toBeGreaterThanOrEqual(20);
  });

  it('keeps sound and picture of one source together, though their own clocks start apart', () => {
    const source = new SourceClock();
    const video = new CaptureClock(source, 90_000);
    const audio = new CaptureClock(source, 48_000);
    const random = noise(7);
    let worstMs = 0;
    for (let ms = 0; ms < 60_000; ms += 20) {
      const videoTs = (123_456 + ms * 90) >>> 0;
      const audioTs = (0xfffff000 + ms * 48) >>> 0;
      if (ms % 1000 === 0) video.report(videoTs, 9_000_000 + ms);
      if (ms % 5000 === 0) audio.report(audioTs, 9_000_000 + ms);
      video.observe(videoTs, ms + 60 + random() * 30); // encoding takes its time
      audio.observe(audioTs, ms + 10 + random() * 10);
      if (ms > 6000) worstMs = Math.max(worstMs, Math.abs(video.captureTime(videoTs).hubMs - audio.captureTime(audioTs).hubMs));
    }
    expect(worstMs).toBeLessThan(1);
  });
});

describe('SenderFit', () => {
  it('rejects an outlier and goes on', () => {
    const fit = new SenderFit(90_000);
    for (let i = 0; i < 10; i += 1) fit.add(i * 90_000, i * 1000);
    fit.add(10 * 90_000, 10_000 + 400);
    expect(fit.toSenderMs(10 * 90_000)).toBeCloseTo(10_000, 3);
    expect(fit.steppedMs).toBe(0);
  });

  it('knows a real step after three reports that agree', () => {
    const fit = new SenderFit(90_000);
    for (let i = 0; i < 10; i += 1) fit.add(i * 90_000, i * 1000);
    for (let i = 10; i < 13; i += 1) fit.add(i * 90_000, i * 1000 - 5000);
    expect(fit.steppedMs).toBeCloseTo(-5000, 3);
    expect(fit.toSenderMs(13 * 90_000)).toBeCloseTo(13_000, 3);
  });

  it('measures the drift of the sender against itself', () => {
    const fit = new SenderFit(90_000);
    for (let i = 0; i < 20; i += 1) fit.add(i * 90_000, i * 1000 * 1.0001);
    expect(fit.driftPpm).toBeCloseTo(100, 0);
  });

  it('never answers with anything but a number, whatever is reported', () => {
    const reports = fc.array(fc.record({ ts: fc.nat(2 ** 32 - 1), ms: fc.double({ min: 0, max: 4e12, noNaN: true }) }), { maxLength: 60 });
    fc.assert(
      fc.property(reports, (list) => {
        const fit = new SenderFit(90_000);
        for (const { ts, ms } of list) {
          fit.add(ts, ms);
          expect(Number.isFinite(fit.toSenderMs(ts))).toBe(true);
        }
      }),
    );
  });
});

describe('DelayEnvelope', () => {
  it('lies under every delay and on the least ones', () => {
    const random = noise(3);
    const envelope = new DelayEnvelope();
    const seen: { x: number; y: number }[] = [];
    for (let x = 0; x < 60_000; x += 33) {
      const y = 40 + x * 2e-5 + random() * 25;
      seen.push({ x, y });
      envelope.add(x, x + y);
    }
    const worst = Math.min(...seen.map(({ x, y }) => x + y - envelope.toHubMs(x)));
    expect(worst).toBeGreaterThan(-0.6);
    expect(envelope.toHubMs(60_000) - 60_000).toBeCloseTo(41.2, 0);
    expect(envelope.driftPpm).toBeCloseTo(20, -1);
  });
});

describe('HubClock', () => {
  it('goes with the monotonic clock and reports a step of the wall clock once', () => {
    let wallMs = 1_800_000_000_000;
    let monotonicMs = 5000;
    const clock = new HubClock(
      () => wallMs,
      () => monotonicMs,
    );
    monotonicMs += 1000;
    wallMs += 1000 + 3600_000;
    expect(clock.nowMs()).toBe(1_800_000_001_000);
    expect(clock.takeStepMs(50)).toBe(3600_000);
    expect(clock.takeStepMs(50)).toBe(0);
  });
});

describe('the first seconds', () => {
  it('say that they may be far off, until five seconds of frames have been seen', () => {
    const clock = new CaptureClock(new SourceClock(), 90_000);
    const errorAt = (seconds: number): number => {
      const timestamp = seconds * 90_000;
      clock.observe(timestamp, 1_000_000 + seconds * 1000);
      return clock.captureTime(timestamp).errorMs;
    };
    expect(errorAt(0)).toBeGreaterThanOrEqual(125);
    expect(errorAt(2.5)).toBeGreaterThanOrEqual(60);
    expect(errorAt(6)).toBeLessThan(10);
  });

  it('are not forgotten when the first report comes: what the frames before it taught of the delay is kept', () => {
    const clock = new CaptureClock(new SourceClock(), 90_000);
    for (let i = 0; i < 90; i += 1) clock.observe(i * 3000, 1_000_000 + (i * 1000) / 30 + (i === 40 ? 0 : 30));
    clock.report(90 * 3000, 5_000_000 + 3000);
    clock.observe(90 * 3000, 1_000_000 + 3000 + 30);
    const { hubMs, method } = clock.captureTime(90 * 3000);
    expect(method).toBe('sender-report');
    expect(hubMs).toBeCloseTo(1_003_000, 0);
  });
});

describe('a track that begins after the sender\u2019s clock has stepped', () => {
  for (const stepMs of [5000, -5000])
    it(`moves neither itself nor the others: ${stepMs} ms`, () => {
      const source = new SourceClock();
      const video = new CaptureClock(source, 90_000);
      const audio = new CaptureClock(source, 48_000);
      const arrival = (ms: number): number => 1_000_000 + ms + 20;
      for (let ms = 0; ms <= 30_000; ms += 1000 / 30) {
        if (Math.round(ms) % 1000 < 20) video.report(Math.round(ms * 90), 7_000_000 + ms + (ms > 15_000 ? stepMs : 0));
        video.observe(Math.round(ms * 90), arrival(ms));
      }
      for (let ms = 30_020; ms <= 40_000; ms += 20) {
        audio.observe(ms * 48, arrival(ms));
        if (ms % 5000 === 0) audio.report(ms * 48, 7_000_000 + ms + stepMs);
        video.observe(ms * 90, arrival(ms));
        expect(Math.abs(audio.captureTime(ms * 48).hubMs - arrival(ms))).toBeLessThan(5);
        expect(Math.abs(video.captureTime(ms * 90).hubMs - arrival(ms))).toBeLessThan(5);
      }
    });
});

describe('a first report that is wrong', () => {
  it('is outvoted by those that follow, and is no step', () => {
    const fit = new SenderFit(90_000);
    fit.add(0, 1_000_080);
    for (let s = 1; s <= 6; s += 1) fit.add(s * 90_000, 1_000_000 + s * 1000);
    expect(fit.steppedMs).toBe(0);
    expect(fit.toSenderMs(7 * 90_000)).toBeCloseTo(1_007_000, 0);
  });
});
