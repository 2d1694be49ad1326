import { describe, expect, it, onTestFinished } from 'vitest';
import { everyPunctual } from '../../media/punctual.ts';

describe('a punctual timer', () => {
  it('leaves out the tick that comes late, and goes on', async () => {
    const ticksMs: number[] = [];
    const timer = everyPunctual(20, () => ticksMs.push(performance.now()));
    onTestFinished(() => clearInterval(timer));
    while (ticksMs.length < 2) await new Promise(setImmediate);
    const from = performance.now();
    const until = from + 500;
    while (performance.now() < until); // held up
    const freeMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(ticksMs.filter((at) => at > from && at < freeMs + 15)).toEqual([]);
    const before = ticksMs.length;
    while (ticksMs.length < before + 2) await new Promise(setImmediate);
  });
});
