import { describe, expect, it } from 'vitest';
import { type Damage, damageAt, damageOf, joined } from '../../../web/composables/damage.ts';
import { lossShown, noteLoss, type PictureLoss } from '../../../web/composables/picture-loss.ts';

const hole = (fromMs: number, toMs: number, withheld = 1, missing = 1): Damage => ({ fromMs, toMs, withheld, missing });

describe('damageOf', () => {
  it('reads the date ranges of damage, in order, and nothing else', () => {
    const range = (name: string, fromMs: number, toMs: number | null, attr: Record<string, string> = {}) => ({
      class: name,
      startDate: new Date(fromMs),
      endDate: toMs === null ? null : new Date(toMs),
      attr,
    });
    const ranges = {
      'damage-0001-1': range('cn.fieldhub.damage', 9000, 9500, { 'X-WITHHELD': '12', 'X-MISSING': '3' }),
      'damage-0001-0': range('cn.fieldhub.damage', 1000, 1040, { 'X-MISSING': '1' }),
      'east-1': range('cn.fieldhub.interruption', 3000, 4000),
      open: range('cn.fieldhub.damage', 12_000, null),
      gone: undefined,
    };
    expect(damageOf(ranges)).toEqual([hole(1000, 1040, 0, 1), hole(9000, 9500, 12, 3)]);
  });
});

describe('damageAt', () => {
  const damage = [hole(1000, 1033), hole(5000, 7000), hole(7500, 7600)];

  it('knows when the picture on screen is not the current one', () => {
    expect(damageAt(damage, 999, 1500)).toBeNull();
    expect(damageAt(damage, 1000, 1500)).toEqual({ damage: damage[0], current: true });
    expect(damageAt(damage, 6999, 1500)).toEqual({ damage: damage[1], current: true });
  });

  it('says for a while that one has passed, and then no more', () => {
    expect(damageAt(damage, 1033, 1500)).toEqual({ damage: damage[0], current: false });
    expect(damageAt(damage, 2532, 1500)).toMatchObject({ current: false });
    expect(damageAt(damage, 2533, 1500)).toBeNull();
    expect(damageAt(damage, 7550, 1500)).toEqual({ damage: damage[2], current: true });
  });
});

describe('joined', () => {
  it('draws near stretches as one and adds up what they lack', () => {
    expect(joined([hole(0, 100, 1, 2), hole(150, 200, 3, 4), hole(1000, 1100)], 60)).toEqual([hole(0, 200, 4, 6), hole(1000, 1100)]);
    expect(joined([hole(0, 500), hole(100, 200)], 0)).toEqual([hole(0, 500, 2, 2)]);
    expect(joined([], 60)).toEqual([]);
  });
});

describe('picture loss of a live angle', () => {
  const after = (...steps: [counted: number, nowMs: number][]): PictureLoss | null => {
    let loss: PictureLoss | null = null;
    for (const [counted, nowMs] of steps) loss = noteLoss(loss, counted, nowMs);
    return loss;
  };

  it('begins with what was lost before anybody looked', () => {
    expect(lossShown(after([120, 0]), 0)).toBe(0);
    expect(lossShown(null, 0)).toBe(0);
  });

  it('shows what is lost while it goes on, for some seconds after the last', () => {
    const loss = after([120, 0], [125, 1000], [125, 3000], [130, 5000]);
    expect(lossShown(loss, 5000)).toBe(10);
    expect(lossShown(loss, 12_900)).toBe(10);
    expect(lossShown(loss, 13_000)).toBe(0);
  });

  it('counts anew after a pause, and when the hub counts anew', () => {
    expect(lossShown(after([0, 0], [5, 1000], [7, 20_000]), 20_000)).toBe(2);
    expect(lossShown(after([9, 0], [2, 1000]), 1000)).toBe(0);
  });
});
