import { statfs } from 'node:fs/promises';
import { HubError } from '../errors.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { Log } from '../log.ts';
import type { HubClock } from '../time/hub-clock.ts';

export type WatchOptions = {
  dataDir: string;
  reserveBytes: number;
  clock: HubClock;
  emit: (event: MediaEvent) => void;
  stepped: (atMs: number, stepMs: number) => void;
  log: Log;
};

const DISK_MS = 2000;
const CLOCK_MS = 1000;
const STEP_THRESHOLD_MS = 100;

/** Watches what the recorders depend on: free space under the data folder, and the machine's wall clock. */
export class Watches {
  readonly #options: WatchOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #freeBytes = Infinity;
  #alarmed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#disk();
    this.#timers.push(
      setInterval(() => void this.#disk(), DISK_MS),
      setInterval(() => this.#clock(), CLOCK_MS),
    );
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Why a new take must not begin, or null. */
  refusal(): HubError | null {
    if (this.#freeBytes >= this.#options.reserveBytes) return null;
    return new HubError(
      'disk_full',
      `only ${Math.floor(this.#freeBytes / 2 ** 20)} MiB are free, ${Math.floor(this.#options.reserveBytes / 2 ** 20)} MiB are kept in reserve`,
      { field: 'DISK_RESERVE_MB' },
    );
  }

  async #disk(): Promise<void> {
    try {
      const disk = await statfs(this.#options.dataDir);
      this.#freeBytes = disk.bavail * disk.bsize;
    } catch (error) {
      this.#options.log.error({ err: error }, 'free space cannot be read');
    }
    const low = this.#freeBytes < this.#options.reserveBytes * 1.5;
    if (low && !this.#alarmed)
      this.#options.emit({ type: 'alarm', code: 'disk-low', message: `${Math.floor(this.#freeBytes / 2 ** 20)} MiB are free` });
    this.#alarmed = low;
  }

  #clock(): void {
    const stepMs = this.#options.clock.takeStepMs(STEP_THRESHOLD_MS);
    if (stepMs === 0) return;
    const atMs = this.#options.clock.nowMs();
    this.#options.log.warn({ stepMs }, 'the machine clock was moved; hub time goes on');
    this.#options.stepped(atMs, stepMs);
    this.#options.emit({
      type: 'alarm',
      code: 'clock-stepped',
      message: `the machine's clock was moved by ${Math.round(stepMs)} ms; hub time did not follow`,
    });
  }
}
