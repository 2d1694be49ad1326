import type { SourceKind } from '../protocol/ids.ts';
import type { Interruption } from '../protocol/state.ts';
import type { CaptureTime } from '../time/capture-clock.ts';

/** How far capture times may be off, and how they were found. */
export type Alignment = Pick<CaptureTime, 'errorMs' | 'method'>;

/** What the journals say of an angle that was recorded before the hub was started. */
export type KnownAngle = {
  takes: number;
  firstMediaMs: number | null;
  lastMediaMs: number | null;
  parts: { cell: number; part: number }[];
  segments: number;
  frames: number;
  missing: number;
  withheld: number;
  interruptions: number;
  open: Interruption | null;
  sourceKind: SourceKind | null;
  alignment: Alignment | null;
};
