import type { MediaEvent } from '../protocol/events.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import type { Angle } from './angle.ts';
import type { AngleOwner, TakeFailure } from './angle-needs.ts';
import type { OperationLog } from './operation-log.ts';
import type { Troubles } from './troubles.ts';

export type AngleHost = {
  operationId: string;
  journal: OperationLog;
  troubles: Troubles;
  emit: (event: MediaEvent) => void;
  changed: (angleId: string) => void;
  angle: (angleId: string) => Angle;
  failed: (angleId: string, failure: TakeFailure) => void;
};

/** What an operation does for its angles: their lines in its journal, and events. */
export function angleOwner({ operationId, journal, troubles, emit, angle, ...host }: AngleHost): AngleOwner {
  const changed = (angleId: string): void => {
    if (angleId !== TALK_ANGLE) host.changed(angleId);
  };
  return {
    takeBegun: async (angleId, takeId, sourceKind, atMs, head) => {
      await journal.append({ type: 'take.started', angleId, takeId, sourceKind, atMs, headHash: head.hash });
      emit({ type: 'take.started', operationId, angleId, takeId, sourceKind, atMs });
      changed(angleId);
    },
    takeEnded: async (angleId, takeId, atMs, reason, head, totals) => {
      await journal.append({ type: 'take.ended', angleId, takeId, atMs, reason, headSeq: head.seq, headHash: head.hash });
      journal.signSoon();
      emit({ type: 'take.ended', operationId, angleId, takeId, atMs, reason, segments: totals.segments, frames: totals.frames });
    },
    segment: async (angleId, takeId, line, head) => {
      await journal.append({ type: 'take.head', angleId, takeId, headSeq: head.seq, headHash: head.hash });
      journal.signSoon();
      const { file, cell, part, startMs, durationMs, frames, sizeBytes, sha256, alignmentErrorMs } = line;
      const facts = { file, cell, part, startMs, durationMs, frames, sizeBytes, sha256, alignmentErrorMs };
      emit({ type: 'segment.written', operationId, angleId, takeId, ...facts });
    },
    interruption: (interruption) => {
      const { id, angleId, startMs, endMs, cause } = interruption;
      if (endMs === null) journal.note({ type: 'interruption.opened', interruptionId: id, angleId, startMs, cause });
      else journal.note({ type: 'interruption.closed', interruptionId: id, angleId, startMs, endMs, cause });
      emit({ type: endMs === null ? 'interruption.opened' : 'interruption.closed', operationId, angleId, interruption });
    },
    changed,
    behind: (angleId, behind) => troubles.behind(angle(angleId), behind),
    fileMissing: (angleId, path) => troubles.fileMissing(angle(angleId), path),
    failed: host.failed,
  };
}
