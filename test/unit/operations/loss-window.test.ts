import { expect, it } from 'vitest';
import { LossWindow } from '../../../media/operations/loss-window.ts';

it('says nothing before the first reading, and nothing of a share while nothing was to come', () => {
  const window = new LossWindow();
  expect(window.loss).toBeNull();
  window.note({ expected: 0, lost: 0 }, 0);
  expect(window.loss).toEqual({ percent: null, packets: 0 });
});

it('says the share of the last ten seconds, and all that was lost', () => {
  const window = new LossWindow();
  for (let s = 0; s <= 20; s += 2) window.note({ expected: s * 100, lost: s <= 10 ? s * 10 : 100 }, s * 1000);
  expect(window.loss).toEqual({ percent: 0, packets: 100 });
  window.note({ expected: 2200, lost: 130 }, 22_000);
  expect(window.loss).toEqual({ percent: 3, packets: 130 });
});

it('takes a late packet back, and begins anew with another stream', () => {
  const window = new LossWindow();
  window.note({ expected: 100, lost: 5 }, 0);
  window.note({ expected: 200, lost: 4 }, 2000);
  expect(window.loss).toEqual({ percent: 0, packets: 4 });
  window.note({ expected: 50, lost: 5 }, 4000);
  expect(window.loss).toEqual({ percent: 10, packets: 5 });
});
