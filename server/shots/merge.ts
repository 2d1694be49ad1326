import type { ShotItem } from '../protocol/shots.ts';

export type PresentShot = { shotId: string; zh: string; ticked: boolean };
export type MergedShot = { shotId: string; position: number; ticked: boolean };

/**
 * What becomes of an operation's shots when another list applies, be it of another type or of a later edition: what is in both
 * stays the same shot, what is ticked stays whatever the list says (after the list's own), the rest goes. Positions count from 0.
 */
export function mergeShots(
  present: PresentShot[],
  items: ShotItem[],
): { keep: MergedShot[]; add: { item: ShotItem; position: number }[]; drop: string[] } {
  const known = new Map(present.map((each) => [each.zh, each]));
  const keep: MergedShot[] = [];
  const add: { item: ShotItem; position: number }[] = [];
  for (const [position, item] of items.entries()) {
    const same = known.get(item.zh);
    if (same) keep.push({ shotId: same.shotId, position, ticked: same.ticked });
    else add.push({ item, position });
  }
  const listed = new Set(items.map(({ zh }) => zh));
  const others = present.filter(({ zh }) => !listed.has(zh));
  const ticked = others.filter((each) => each.ticked);
  keep.push(...ticked.map(({ shotId }, at) => ({ shotId, position: items.length + at, ticked: true })));
  return { keep, add, drop: others.filter((each) => !each.ticked).map(({ shotId }) => shotId) };
}
