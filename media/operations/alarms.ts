import type { Alarm } from '../protocol/alarms.ts';
import type { MediaEvent } from '../protocol/events.ts';

export type NewAlarm = Omit<Alarm, 'atMs' | 'facts'> & { facts?: Record<string, string> };

/** The alarms that stand: raised until their cause is gone, or until somebody has dismissed them. */
export class Alarms {
  readonly #nowMs: () => number;
  readonly #emit: (event: MediaEvent) => void;
  readonly #standing = new Map<string, Alarm>();

  constructor(nowMs: () => number, emit: (event: MediaEvent) => void) {
    this.#nowMs = nowMs;
    this.#emit = emit;
  }

  get standing(): Alarm[] {
    return [...this.#standing.values()];
  }

  /** Raise it; one that stands already and says the same is not raised again. */
  raise(alarm: NewAlarm): void {
    const { alarmId, code, message } = alarm;
    const present = this.#standing.get(alarmId);
    if (present && present.code === code && (present.lasting || present.message === message)) return;
    const raised: Alarm = { ...alarm, facts: alarm.facts ?? {}, atMs: this.#nowMs() };
    this.#standing.set(alarmId, raised);
    this.#emit({ type: 'alarm', alarm: raised });
  }

  clear(alarmId: string): void {
    if (this.#standing.delete(alarmId)) this.#emit({ type: 'alarm.cleared', alarmId });
  }

  /** Somebody has seen it. One whose cause lasts stays. */
  dismiss(alarmId: string): void {
    if (this.#standing.get(alarmId)?.lasting === false) this.clear(alarmId);
  }
}
