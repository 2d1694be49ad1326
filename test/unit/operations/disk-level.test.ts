import { describe, expect, it } from 'vitest';
import { type DiskLevel, diskLevel, lookAgainMs } from '../../../media/operations/disk-level.ts';

const RESERVE = 2048;
const walk = (...free: number[]): DiskLevel[] => {
  let level: DiskLevel = 'ample';
  return free.map((bytes) => (level = diskLevel(bytes, RESERVE, level)));
};

describe('the level of a disk', () => {
  it('falls step by step: early alarm, no new takes, no takes', () => {
    expect(walk(4000, 3072, 3071, 2048, 2047, 512, 511, 0)).toEqual([
      'ample',
      'ample',
      'low',
      'low',
      'refusing',
      'refusing',
      'closed',
      'closed',
    ]);
  });

  it('stays closed until the whole reserve is free again, and low until a little more than what made it low', () => {
    expect(walk(100, 512, 2047, 2048, 3072, 3276, 3277)).toEqual(['closed', 'closed', 'closed', 'low', 'low', 'low', 'ample']);
  });

  it('is never anything but ample without a reserve', () => {
    expect(diskLevel(0, 0, 'ample')).toBe('ample');
  });

  it('is looked at often enough that a fast writer is seen between reserve and floor, and between floor and the end', () => {
    const reserve = 2 * 2 ** 30;
    let free = 2.5 * reserve;
    const seen: DiskLevel[] = [];
    for (let level: DiskLevel = 'ample'; free > 0; free -= (lookAgainMs(free, reserve) / 1000) * 500e6) {
      level = diskLevel(free, reserve, level);
      seen.push(level);
    }
    expect(seen.filter((level) => level === 'refusing').length).toBeGreaterThanOrEqual(6);
    expect(seen.filter((level) => level === 'closed').length).toBeGreaterThanOrEqual(4);
  });
});
