import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import type { ResultOf } from '../protocol/requests.ts';
import type { SourceFacts } from '../protocol/state.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import type { Peer } from '../sfu/peer.ts';
import type { CameraMeter } from '../sources/gateway/camera-meter.ts';
import { codecName, SourceGauge } from './source-gauge.ts';

/** What fills an angle now. `meter`: what a fetched camera's stream tells, whose producers are only for those who watch. */
export type Source = { kind: SourceKind; peer: Peer | null; take: Take; producers: Map<string, types.Producer>; meter?: CameraMeter };

/** What fills each angle of an operation, and what of it can be watched. */
export class AngleSources extends Map<string, Source> {
  readonly #recorder: OperationRecorder;
  readonly #changed: (angleId: string) => void;
  readonly #gauges = new WeakMap<Source, SourceGauge>();

  constructor(recorder: OperationRecorder, changed: (angleId: string) => void) {
    super();
    this.#recorder = recorder;
    this.#changed = changed;
  }

  /** Viewers can watch it from now on, until it closes. It is recorded only by who taps it. */
  show(angleId: string, source: Source, producer: types.Producer): void {
    source.producers.set(producer.id, producer);
    producer.observer.once('close', () => {
      source.producers.delete(producer.id);
      this.#changed(angleId);
    });
  }

  /** Resolves when its take's files are closed. */
  async end(angleId: string, cause: Cause): Promise<void> {
    const source = this.get(angleId);
    if (!source) return;
    this.delete(angleId);
    await this.#recorder.endTake(source.take, cause);
    this.#changed(angleId);
  }

  /** What is known of the source that fills this angle; null where none does. */
  facts(angleId: string): SourceFacts | null {
    const source = this.get(angleId);
    if (!source) return null;
    const { loss = null, roundTripMs = null } = this.#gauges.get(source) ?? {};
    const codec = (kind: string): string | null => {
      const producer = [...source.producers.values()].find((each) => each.kind === kind);
      return producer ? codecName(producer.rtpParameters.codecs[0]?.mimeType) : null;
    };
    const model = source.peer?.device ?? source.meter?.model ?? null;
    return { model, video: codec('video'), audio: codec('audio'), loss, roundTripMs };
  }

  /** Throws `forbidden` where another's device fills this angle. */
  assertOwned(angleId: string, owner: string): void {
    const source = this.get(angleId);
    if (source && source.peer?.owner !== owner) throw new HubError('forbidden', 'another device films this angle', { field: 'angleId' });
  }

  /** By what right, and with what, each angle is filmed that is filmed now. */
  owners(): ResultOf<'sourceOwners'>['owners'] {
    return Object.fromEntries(
      [...this].map(([angleId, { peer, kind }]) => {
        const { takeStartedMs: sinceMs } = this.#recorder.angle(angleId);
        return [angleId, { owner: peer?.owner ?? null, device: peer?.device ?? null, kind, sinceMs }];
      }),
    );
  }

  /** Read every source's counters; called every few seconds. */
  async measure(): Promise<void> {
    await Promise.all(
      [...this.values()].map((source) => {
        const gauge = this.#gauges.get(source) ?? new SourceGauge();
        this.#gauges.set(source, gauge);
        return gauge.read(source);
      }),
    );
  }
}
