import type { Alarm } from '../../media/protocol/alarms.ts';
import type { MediaEvent } from '../../media/protocol/events.ts';

type Listener = { raised: (alarm: Alarm) => void; cleared: (alarm: Alarm) => void };

/** The alarms that stand: the media plane's, as it tells of them, and the control plane's own, which outlive a restart of the other. */
export class StandingAlarms {
  readonly #listener: Listener;
  readonly #media = new Map<string, Alarm>();
  readonly #own = new Map<string, Alarm>();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** All that the media plane has, told whole. */
  replace(alarms: Alarm[]): void {
    this.#media.clear();
    for (const alarm of alarms) this.#media.set(alarm.alarmId, alarm);
  }

  /** Alarms need no store: they are known, and told, whatever has become of that. */
  heard(event: MediaEvent): void {
    if (event.type === 'alarm') {
      this.#media.set(event.alarm.alarmId, event.alarm);
      this.#listener.raised(event.alarm);
    } else if (event.type === 'alarm.cleared') {
      this.#end(this.#media, event.alarmId);
    }
  }

  /** One of the control plane's own; raised again it replaces what was said before. */
  raise(alarm: Alarm): void {
    this.#own.set(alarm.alarmId, alarm);
    this.#listener.raised(alarm);
  }

  clear(alarmId: string): void {
    this.#end(this.#own, alarmId);
  }

  /** Somebody has seen it: one of our own is gone, unless its cause lasts. False for what is the media plane's. */
  dismiss(alarmId: string): boolean {
    const alarm = this.#own.get(alarmId);
    if (alarm?.lasting === false) this.clear(alarmId);
    return alarm !== undefined;
  }

  /** This operation's, and those of the hub as a whole. */
  of(operationId: string | null): Alarm[] {
    const all = [...this.#own.values(), ...this.#media.values()];
    return all.filter((alarm) => alarm.operationId === undefined || alarm.operationId === operationId);
  }

  #end(standing: Map<string, Alarm>, alarmId: string): void {
    const alarm = standing.get(alarmId);
    if (alarm && standing.delete(alarmId)) this.#listener.cleared(alarm);
  }
}
