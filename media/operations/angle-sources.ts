import type { types } from 'mediasoup';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import type { Peer } from '../sfu/peer.ts';

/** What fills an angle now. */
export type Source = { kind: SourceKind; peer: Peer | null; take: Take; producers: Map<string, types.Producer> };

/** What fills each angle of an operation, and what of it can be watched. */
export class AngleSources extends Map<string, Source> {
  readonly #recorder: OperationRecorder;
  readonly #changed: (angleId: string) => void;

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
}
