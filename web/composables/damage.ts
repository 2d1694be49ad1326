/** A stretch of hub time in which an angle has no good picture: the last one before stands. */
export type Damage = {
  fromMs: number;
  toMs: number;
  /** Arrived, could not be decoded. */
  withheld: number;
  /** Never arrived. */
  missing: number;
};
/** What hls.js makes of an EXT-X-DATERANGE. */
export type DateRangeLike = { class: string; startDate: Date; endDate: Date | null; attr: Record<string, unknown> };
/** `current`: the picture on screen is the last good one. Otherwise the damage has just passed. */
export type DamageNote = { damage: Damage; current: boolean };

const CLASS = 'cn.fieldhub.damage';

/** The damage among a playlist's date ranges, in order. */
export function damageOf(ranges: Record<string, DateRangeLike | undefined>): Damage[] {
  const found: Damage[] = [];
  for (const range of Object.values(ranges)) {
    if (range?.class !== CLASS || !range.endDate) continue;
    const count = (name: string): number => Math.max(0, Math.trunc(Number(range.attr[name]) || 0));
    found.push({
      fromMs: range.startDate.getTime(),
      toMs: range.endDate.getTime(),
      withheld: count('X-WITHHELD'),
      missing: count('X-MISSING'),
    });
  }
  return found.toSorted((a, b) => a.fromMs - b.fromMs);
}

/**
 * What to say of damage when the clock stands at `hubMs`: that it is now, or that it was within the last `lingerMs`, since one
 * lost frame is over before anybody has read anything. Null where the picture is good.
 */
export function damageAt(damage: Damage[], hubMs: number, lingerMs: number): DamageNote | null {
  const last = damage.findLast(({ fromMs }) => fromMs <= hubMs);
  if (!last || hubMs >= last.toMs + lingerMs) return null;
  return { damage: last, current: hubMs < last.toMs };
}

/** Frames that are not shown. */
export const lacking = ({ withheld, missing }: Damage): number => withheld + missing;

/** Stretches nearer than `nearMs` as one, for drawing: thousands of them are a few on a line. */
export function joined(damage: Damage[], nearMs: number): Damage[] {
  const drawn: Damage[] = [];
  for (const stretch of damage) {
    const last = drawn.at(-1);
    if (!last || stretch.fromMs - last.toMs > nearMs) {
      drawn.push({ ...stretch });
      continue;
    }
    last.toMs = Math.max(last.toMs, stretch.toMs);
    last.withheld += stretch.withheld;
    last.missing += stretch.missing;
  }
  return drawn;
}
