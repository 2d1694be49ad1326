import type { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { Cause } from '../protocol/ids.ts';
import type { HubClock } from '../time/hub-clock.ts';
import type { Signer } from '../recordings/signer.ts';
import type { RecorderAlarms } from './troubles.ts';
import type { WriteBudget } from './write-budget.ts';

/** What records an operation, and what it needs of the process that it lives in. */
export type RecorderOptions = {
  operationDir: string;
  operationId: string;
  name: string;
  segmentMs: number;
  /** No media for so long opens an interruption. */
  silenceMs: number;
  clock: HubClock;
  /** Whether the kernel says that the wall clock is synchronised; null where it does not say. */
  clockSynchronised: boolean | null;
  signer: Signer;
  hubVersion: string;
  log: Log;
  emit: (event: MediaEvent) => void;
  alarms: RecorderAlarms;
  /** Memory that frames waiting for a disk may hold. */
  budget: WriteBudget;
  /** An angle's state has changed in a way that viewers can see. */
  changed: (angleId: string) => void;
  /** A reason to record nothing new in this folder (no room, not writable), or null. */
  refuse: (dir: string) => HubError | null;
  /** What fills this angle can no longer be recorded: let go of it. It may come again. */
  lost: (angleId: string, cause: Cause) => void;
};
