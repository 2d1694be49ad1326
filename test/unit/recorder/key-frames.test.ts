import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeyFrameAsker } from '../../../media/recorder/key-frames.ts';

const SEGMENT_MS = 4000;
const T0 = 1_800_000_000_000; // a tick
const now = (): number => Date.now();

beforeEach(() => vi.useFakeTimers({ now: T0 + 1234 }));
afterEach(() => vi.useRealTimers());

type Answer = { capturedMs: number };

/** A sender of 30 pictures a second, `wayMs` away, whose encoder needs another picture's time before it obeys. */
function sender(wayMs: number) {
  const asked: number[] = [];
  const answers: Answer[] = [];
  const asker = new KeyFrameAsker(SEGMENT_MS, now, () => {
    asked.push(now());
    setTimeout(() => {
      const capturedMs = Math.ceil((now() + 33) / (1000 / 30)) * (1000 / 30);
      setTimeout(
        () => {
          answers.push({ capturedMs });
          asker.keyFrame(capturedMs, now());
        },
        capturedMs - now() + wayMs,
      );
    }, wayMs);
  });
  return { asker, asked, answers };
}
const pastTick = (ms: number): number => ((ms % SEGMENT_MS) + SEGMENT_MS) % SEGMENT_MS;

describe('key frames for the grid', () => {
  it.each([5, 40, 90])('come within two pictures after each tick, once the way there (%i ms) is known', (wayMs) => {
    const { asker, answers } = sender(wayMs);
    vi.advanceTimersByTime(20 * SEGMENT_MS);
    asker.close();
    const firsts = new Map<number, number>();
    for (const { capturedMs } of answers) {
      const cell = Math.floor(capturedMs / SEGMENT_MS);
      firsts.set(cell, Math.min(firsts.get(cell) ?? Infinity, pastTick(capturedMs)));
    }
    const learnt = [...firsts.values()].slice(3);
    expect(learnt.length).toBeGreaterThanOrEqual(15);
    expect(Math.max(...learnt)).toBeLessThanOrEqual(67);
    expect(answers.length).toBeLessThanOrEqual(1.5 * firsts.size); // one a segment costs quality enough
  });

  it('are asked for at the tick while nothing is known, once each', () => {
    const asked: number[] = [];
    const asker = new KeyFrameAsker(SEGMENT_MS, now, () => void asked.push(now()));
    vi.advanceTimersByTime(3 * SEGMENT_MS);
    asker.close();
    expect(asked).toEqual([T0 + SEGMENT_MS, T0 + 2 * SEGMENT_MS, T0 + 3 * SEGMENT_MS]);
  });

  it('that came too early are asked for again, those from before the request say nothing', () => {
    const asked: number[] = [];
    const asker = new KeyFrameAsker(SEGMENT_MS, now, () => void asked.push(now() - T0));
    vi.advanceTimersByTime(SEGMENT_MS - 1234); // asked, at the tick
    asker.keyFrame(now() - 1000, now() + 1); // was on its way
    asker.keyFrame(now() - 40, now() + 10); // an answer, captured before the tick
    expect(asked).toEqual([SEGMENT_MS, SEGMENT_MS]);
    asker.keyFrame(now() + 20, now() + 60);
    expect(asked).toHaveLength(2);
    asker.close();
  });

  it('are asked for no more after the end', () => {
    const { asker, asked } = sender(10);
    asker.close();
    vi.advanceTimersByTime(10 * SEGMENT_MS);
    expect(asked).toEqual([]);
  });
});

describe('pictures that stop', () => {
  function watched() {
    const asked: number[] = [];
    const began = now();
    const asker = new KeyFrameAsker(3_600_000, now, () => void asked.push(now() - began));
    const pictures = (count: number, stepMs: number): void => {
      for (let i = 0; i < count; i += 1) {
        wait(stepMs);
        asker.picture(now());
      }
    };
    const wait = (ms: number): void => {
      for (const end = now() + ms; now() < end; asker.watch(now())) vi.advanceTimersByTime(Math.min(100, end - now()));
    };
    return { asker, asked, pictures, wait };
  }

  it('are asked for after 0.4 s, then less and less often, and anew at the next stop', () => {
    const { asker, asked, pictures, wait } = watched();
    pictures(30, 100);
    expect(asked).toEqual([]);
    wait(4000);
    expect(asked).toEqual([3400, 3800, 4600, 6200]);
    pictures(2, 50);
    wait(500);
    expect(asked).toHaveLength(5);
    asker.close();
  });

  it('are asked for soon where none has come at all, and where the first was the last', () => {
    const { asker, asked, pictures, wait } = watched();
    wait(700);
    expect(asked).toEqual([400]);
    pictures(1, 50);
    wait(500);
    expect(asked).toEqual([400, 1150]);
    asker.close();
  });

  it('are left alone where the source is a slow one', () => {
    const { asker, asked, pictures } = watched();
    pictures(60, 1000);
    expect(asked.filter((ms) => ms > 2000)).toEqual([]);
    asker.close();
  });
});
