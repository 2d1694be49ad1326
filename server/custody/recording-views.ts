import type { Who } from './lines.ts';
import type { CustodyLog } from './log.ts';

/** Nothing asked for so long ends a look at a recording. */
const IDLE_MS = 60_000;
const SWEEP_MS = 5_000;

/** `angleId` null: the operation as a whole, on a board. */
type Looking = { what: 'view.recording' | 'view.live'; who: Who; operationId: string; angleId: string | null };
/** Hub time. */
export type Stretch = { fromMs: number; toMs: number };
/** What one request shows: a stretch, or a still picture by its id. */
export type Seen = Stretch | { picture: string };
type View = { looking: Looking; sinceMs: number; lastMs: number; seen: Stretch[]; pictures: Set<string> };
type Log = Pick<CustodyLog, 'record' | 'note' | 'requireWritable'>;

/**
 * Looks at recordings, as people have them: a playlist and hundreds of segments are one. The log has its beginning before the
 * first of them is sent, and what stretches were seen when it is over.
 */
export class RecordingViews {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #views = new Map<string, View>();
  readonly #begun = new Map<string, Promise<unknown>>();
  readonly #sweep: ReturnType<typeof setInterval>;

  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#sweep = setInterval(() => this.#end((view) => nowMs() - view.lastMs > IDLE_MS), SWEEP_MS);
    this.#sweep.unref();
  }

  /**
   * `seen`: what this request shows of it; null for what shows nothing of it (a playlist). Throws `unavailable`, also of a look
   * that has its beginning: what is seen from then on could not be told.
   */
  async see(looking: Looking, seen: Seen | null): Promise<void> {
    const key = `${looking.what} ${looking.who.id} ${looking.who.address} ${looking.operationId} ${looking.angleId}`;
    if (this.#views.has(key)) this.#log.requireWritable();
    else {
      // several come at once; all wait for the one line
      const begun = this.#begun.get(key) ?? this.#log.record({ ...looking, detail: { begins: true } });
      this.#begun.set(key, begun);
      await begun.finally(() => this.#begun.delete(key));
    }
    const nowMs = this.#nowMs();
    const view = this.#views.get(key) ?? { looking, sinceMs: nowMs, lastMs: nowMs, seen: [], pictures: new Set<string>() };
    if (seen && 'picture' in seen) view.pictures.add(seen.picture);
    this.#views.set(key, { ...view, lastMs: nowMs, seen: seen && 'fromMs' in seen ? joined(view.seen, seen) : view.seen });
    // a line has only so much room: whoever goes on begins another look
    if (view.pictures.size >= PICTURES_MOST) this.#end((each) => each.pictures === view.pictures);
  }

  /** Nobody looks any more: the hub stops. */
  close(): void {
    clearInterval(this.#sweep);
    this.#end(() => true);
  }

  #end(over: (view: View) => boolean): void {
    for (const [key, view] of this.#views) {
      if (!over(view)) continue;
      this.#views.delete(key);
      const { looking, sinceMs, lastMs: untilMs, seen } = view;
      const times = { sinceMs: Math.round(sinceMs), untilMs: Math.round(untilMs) };
      const pictures = view.pictures.size > 0 ? { pictures: [...view.pictures] } : {};
      this.#log.note({ ...looking, detail: { begins: false, ...times, seen, ...pictures } });
    }
  }
}

const STRETCHES_MOST = 40;
const PICTURES_MOST = 100;
/** A pause of a second between two segments is none of the viewer's. */
const APART_MS = 1000;

/** Stretches in order, those that touch made one; of very many the nearest two are made one. */
function joined(before: Stretch[], one: Stretch): Stretch[] {
  const merged: Stretch[] = [];
  for (const each of [...before, one].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last && each.fromMs - last.toMs <= APART_MS) last.toMs = Math.max(last.toMs, each.toMs);
    else merged.push({ ...each });
  }
  if (merged.length <= STRETCHES_MOST) return merged;
  const gaps = merged.slice(1).map((each, i) => each.fromMs - (merged[i]?.toMs ?? 0));
  const least = gaps.indexOf(Math.min(...gaps));
  const [left, right] = [merged[least], merged[least + 1]];
  if (left && right) merged.splice(least, 2, { fromMs: left.fromMs, toMs: right.toMs });
  return merged;
}
