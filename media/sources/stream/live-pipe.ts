import { FfmpegProcess } from '../gateway/ffmpeg-process.ts';
import { Lag } from '../gateway/lag.ts';
import { liveOutputs, type LiveTargets, type Plan } from '../gateway/plan.ts';
import { failuresAfter, retryDelayMs } from '../gateway/retry.ts';
import type { StreamItem } from './items.ts';
import { TsWriter } from './ts-writer.ts';

const INPUT =
  '-v error -nostats -fflags +nobuffer -analyzeduration 1000000 -probesize 500000 -protocol_whitelist pipe -f mpegts -i pipe:0'.split(' ');

/**
 * The ffmpeg that makes of a stream what consoles can show. It reads from a pipe and is started anew when it dies:
 * the recording does not pass through it.
 */
export class LivePipe {
  readonly #plan: Plan;
  readonly #targets: LiveTargets;
  readonly #writer: TsWriter;
  #ffmpeg: FfmpegProcess | null = null;
  #lag = new Lag();
  #failures = 0;
  #again: NodeJS.Timeout | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(plan: Plan, targets: LiveTargets) {
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
    if (this.#lag.keepsUp(stdin.writableLength)) stdin.write(bytes);
  }

  /** Resolves when the process has ended. */
  async close(): Promise<void> {
    this.#state = 'closed';
    if (this.#again) clearTimeout(this.#again);
    this.#ffmpeg?.stdin?.destroy();
    await this.#ffmpeg?.stop();
  }

  #start(): void {
    this.#lag = new Lag();
    const startedMs = performance.now();
    const ffmpeg = new FfmpegProcess('ffmpeg', [...INPUT, ...liveOutputs(this.#plan, this.#targets)], { input: true });
    this.#ffmpeg = ffmpeg;
    void ffmpeg.exited.then(() => {
      if (this.#state === 'closed') return;
      this.#failures = failuresAfter(this.#failures, performance.now() - startedMs);
      this.#again = setTimeout(() => this.#start(), retryDelayMs(this.#failures, 0.5));
    });
  }
}
