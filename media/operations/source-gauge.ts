import type { types } from 'mediasoup';
import { LossWindow } from './loss-window.ts';
import type { Source } from './angle-sources.ts';

/** How a source's packets come, read every few seconds. */
export class SourceGauge {
  readonly #window = new LossWindow();
  #roundTripMs: number | null = null;

  get loss(): { percent: number | null; packets: number } | null {
    return this.#window.loss;
  }
  /** As the transport measures it (RFC 3611, 4.5), else as the page has told; null where neither is known. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  async read({ peer, producers, meter }: Pick<Source, 'peer' | 'producers' | 'meter'>): Promise<void> {
    if (meter) {
      if (meter.packets) this.#window.note(meter.packets, performance.now());
      this.#roundTripMs = meter.roundTripMs;
      return;
    }
    const all = [...producers.values()];
    const producer = all.find(({ kind }) => kind === 'video') ?? all[0];
    if (!producer || producer.closed) return;
    try {
      const stats = await producer.getStats();
      this.#window.note(packetsOf(stats), performance.now());
      this.#roundTripMs = stats.find((stat) => stat.roundTripTime)?.roundTripTime ?? peer?.roundTripMs ?? null;
    } catch {
      // closed meanwhile
    }
  }
}

/** Of all layers together. `packetCount` holds those too that came after they had been asked for again. */
function packetsOf(stats: types.ProducerStat[]): { expected: number; lost: number } {
  const lost = stats.reduce((sum, stat) => sum + stat.packetsLost, 0);
  return { expected: lost + stats.reduce((sum, stat) => sum + stat.packetCount - stat.packetsRepaired, 0), lost };
}

/** As people write it: `video/H264` is H.264. */
export function codecName(mimeType: string | undefined): string | null {
  const name = mimeType?.split('/')[1];
  if (name === undefined) return null;
  return /^opus$/i.test(name) ? 'Opus' : name.toUpperCase().replace(/^H(26\d)$/, 'H.$1');
}
