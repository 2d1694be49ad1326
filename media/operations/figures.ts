import type { MediaEvent } from '../protocol/events.ts';
import type { OperationState } from '../protocol/state.ts';

type Totals = {
  framesTotal: number;
  missingFramesTotal: number;
  withheldFramesTotal: number;
  segmentsTotal: number;
  bytesWrittenTotal: number;
  workerDeathsTotal: number;
};

/** Counters of this run of the media process, for /metrics. */
export class Figures {
  #segments = 0;
  #bytes = 0;
  #workerDeaths = 0;

  /** Every event passes by here. */
  note(event: MediaEvent): void {
    if (event.type === 'worker.died') this.#workerDeaths += 1;
    if (event.type !== 'segment.written') return;
    this.#segments += 1;
    this.#bytes += event.sizeBytes;
  }

  totals(live: OperationState[]): Totals {
    const angles = live.flatMap((operation) => operation.angles);
    const sum = (key: 'frames' | 'missingFrames' | 'withheldFrames'): number => angles.reduce((total, angle) => total + angle[key], 0);
    return {
      framesTotal: sum('frames'),
      missingFramesTotal: sum('missingFrames'),
      withheldFramesTotal: sum('withheldFrames'),
      segmentsTotal: this.#segments,
      bytesWrittenTotal: this.#bytes,
      workerDeathsTotal: this.#workerDeaths,
    };
  }
}
