import { FfmpegProcess } from '../gateway/ffmpeg-process.ts';
import { liveOutputs, type LiveTarget, type Plan } from '../gateway/plan.ts';
import { retryDelayMs } from '../gateway/retry.ts';
import type { StreamItem } from './items.ts';
import { TsWriter } from './ts-writer.ts';

/** ffmpeg that lags by so much is given nothing until it has caught up: what is recorded does not wait for it. */
const LAG_BYTES = 8 * 2 ** 20;
const STEADY_MS = 10_000;
const INPUT =
  '-v error -nostats -fflags +nobuffer -analyzeduration 1000000 -probesize 500000 -protocol_whitelist pipe -f mpegts -i pipe:0'.split(' ');

/**
 * The ffmpeg that makes of a pushed stream what consoles can show. It reads from a pipe and is started anew when it dies:
 * the recording does not pass through it.
 */
export class LivePipe {
  readonly #plan: Plan;
  readonly #targets: Record<'video' | 'audio', LiveTarget | null>;
  readonly #writer: TsWriter;
  #ffmpeg: FfmpegProcess | null = null;
  #lags = false;
  #failures = 0;
  #again: NodeJS.Timeout | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(plan: Plan, targets: Record<'video' | 'audio', LiveTarget | null>) {
    this.#plan = plan;
    this.#targets = targets;
    const codec = plan.video && (plan.video.codec === 'H.265' ? 'H265' : 'H264');
    this.#writer = new TsWriter({ video: codec, audio: plan.audio !== null });
    this.#start();
  }

  write(item: StreamItem): void {
    const bytes = this.#writer.write(item);
    const stdin = this.#ffmpeg?.stdin;
    if (!stdin?.writable || bytes.length === 0) return;
    const waiting = stdin.writableLength;
    this.#lags = this.#lags ? waiting > 0 : waiting > LAG_BYTES;
    if (!this.#lags) stdin.write(bytes);
  }

  /** Resolves when the process has ended. */
  async close(): Promise<void> {
    this.#state = 'closed';
    if (this.#again) clearTimeout(this.#again);
    this.#ffmpeg?.stdin?.destroy();
    await this.#ffmpeg?.stop();
  }

  #start(): void {
    this.#lags = false;
    const startedMs = performance.now();
    const ffmpeg = new FfmpegProcess('ffmpeg', [...INPUT, ...liveOutputs(this.#plan, this.#targets)], { input: true });
    this.#ffmpeg = ffmpeg;
    void ffmpeg.exited.then(() => {
      if (this.#state === 'closed') return;
      this.#failures = performance.now() - startedMs > STEADY_MS ? 0 : this.#failures + 1;
      this.#again = setTimeout(() => this.#start(), retryDelayMs(this.#failures, 0.5));
    });
  }
}
