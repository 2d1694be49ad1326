import type { HubClock } from '../time/hub-clock.ts';
import type { Log } from '../log.ts';
import type { Alarms } from './alarms.ts';

export type ClockWatchOptions = { clock: HubClock; alarms: Alarms; stepped: (atMs: number, stepMs: number) => void; log: Log };

const CLOCK_MS = 1000;
const STEP_THRESHOLD_MS = 100;

/** Watches the machine's wall clock: hub time does not follow its steps, but they are told and journalled. */
export class ClockWatch {
  readonly #options: ClockWatchOptions;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), CLOCK_MS);
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
  }

  #look(): void {
    const { clock, alarms, stepped, log } = this.#options;
    const stepMs = clock.takeStepMs(STEP_THRESHOLD_MS);
    if (stepMs === 0) return;
    log.warn({ stepMs }, 'the machine clock was moved; hub time goes on');
    stepped(clock.nowMs(), stepMs);
    alarms.raise({
      alarmId: 'clock-stepped',
      code: 'clock-stepped',
      message: `the machine's clock was moved by ${Math.round(stepMs)} ms; hub time did not follow`,
      facts: { step: String(Math.round(stepMs)) },
      lasting: false,
    });
  }
}
