import type { HubError } from '../errors.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import type { Interruption } from '../protocol/state.ts';
import type { ChainHead } from '../recordings/chain.ts';
import type { SegmentLine } from '../recordings/lines.ts';
import type { RepairedTake } from './repair-take.ts';
import type { Take } from './take.ts';
import type { Totals } from './take-owner.ts';

/** What an angle needs of its operation. */
export type AngleOwner = {
  takeBegun: (angleId: string, takeId: string, sourceKind: SourceKind, atMs: number, head: ChainHead) => Promise<void>;
  takeEnded: (angleId: string, takeId: string, atMs: number, reason: Cause, head: ChainHead, totals: Totals) => Promise<void>;
  segment: (angleId: string, takeId: string, line: SegmentLine, head: ChainHead) => Promise<void>;
  interruption: (interruption: Interruption) => void;
  changed: (angleId: string) => void;
  /** This take's disk does not keep up, or does again. */
  behind: (angleId: string, behind: boolean) => void;
  fileMissing: (angleId: string, path: string) => void;
  failed: (angleId: string, failure: TakeFailure) => void;
};
/** A take that cannot be written any more. `salvaged` is told what could be kept of it. */
export type TakeFailure = { take: Take; takeId: string; dir: string; error: HubError; salvaged: (kept: RepairedTake) => void };
