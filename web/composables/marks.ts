import type { Mark } from '../../server/protocol/http.ts';

/** What reached the hub so long after it was touched is said to be late. */
const LATE_MS = 3000;

/** How late a mark reached the hub, milliseconds; null when that was at once. */
export function lateMs({ atMs, receivedMs }: Pick<Mark, 'atMs' | 'receivedMs'>): number | null {
  return receivedMs - atMs > LATE_MS ? receivedMs - atMs : null;
}

/** What is known of marks, by id: of each the newest, whichever way and in whichever order it was told. */
export function mergeMarks(known: Map<string, Mark>, told: Mark[]): void {
  for (const mark of told) if ((known.get(mark.markId)?.version ?? 0) < mark.version) known.set(mark.markId, mark);
}

/** Calls for help that nobody has answered, the oldest first. */
export function standingCalls(marks: Iterable<Mark>): Mark[] {
  return [...marks].filter(({ kind, acknowledged }) => kind === 'blocked' && !acknowledged).toSorted((a, b) => a.atMs - b.atMs);
}
