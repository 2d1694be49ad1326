import type { HubError } from '../errors.ts';
import type { Cause, MediaKind, SourceKind } from '../protocol/ids.ts';
import type { ChainHead } from '../recordings/chain.ts';
import type { SegmentLine } from '../recordings/lines.ts';
import type { WriteBudget } from './write-budget.ts';

/** What a take tells the operation it belongs to. */
export type TakeOwner = {
  /** The first frame that can be recorded has come: number the take and say where its folder shall be. Called once. */
  begin: (startMs: number) => { takeId: string; dir: string };
  /** The take's journal has its first line. */
  begun: (head: ChainHead) => Promise<void>;
  nextPart: (cell: number) => number;
  /** A frame is on its way to the disk; `endMs` is where its picture (or sound) ends. */
  recorded: (kind: MediaKind, startMs: number, endMs: number, sizeBytes: number, arrivalMs: number) => void;
  damage: (withheld: number, missing: number) => void;
  size: (width: number, height: number) => void;
  segment: (line: SegmentLine, head: ChainHead) => Promise<void>;
  /** The disk is behind and did not take these pictures; up to `endMs` it took everything. */
  unwritten: (frames: number, endMs: number) => void;
  /** The disk takes everything again. */
  caughtUp: () => void;
  /** A file that was written is there no more. */
  fileMissing: (path: string) => void;
  ended: (endMs: number, reason: Cause, head: ChainHead, totals: Totals) => Promise<void>;
  failed: (error: HubError) => void;
};
export type Totals = { segments: number; frames: number; withheld: number; missing: number };
export type TakeFacts = {
  operationId: string;
  angleId: string;
  sourceKind: SourceKind;
  segmentMs: number;
  silenceMs: number;
  /** Memory that frames waiting for the disk may hold, shared by all takes. */
  budget: WriteBudget;
};
