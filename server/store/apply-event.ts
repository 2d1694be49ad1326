import type { MediaEvent } from '../../media/protocol/events.ts';
import type { Store } from './database.ts';
import { saveMark } from './marks.ts';
import { saveMessage } from './messages.ts';
import { markEnded, saveAngleState, saveInterruption, saveTake } from './operations.ts';
import { removeAngle } from './planned-angles.ts';
import { saveStill } from './stills.ts';
import { noteMove } from './take-moves.ts';

/** Apply one event of the media plane. Applying it twice changes nothing. */
export async function applyEvent(store: Store, event: MediaEvent): Promise<void> {
  if (event.type === 'take.started') {
    const { operationId, angleId, takeId, atMs } = event;
    await saveTake(store, operationId, { angleId, takeId, startMs: atMs, endMs: null, reason: null, segments: 0, frames: 0 });
  } else if (event.type === 'take.ended') {
    const { operationId, angleId, takeId, atMs, reason, segments, frames } = event;
    await saveTake(store, operationId, { angleId, takeId, startMs: atMs, endMs: atMs, reason, segments, frames });
  } else if (event.type === 'take.moved') {
    const { moveId, from, to } = event;
    await noteMove(store, { moveId, operationId: from.operationId, toOperationId: to.operationId });
  } else if (event.type === 'interruption.opened' || event.type === 'interruption.closed') {
    await saveInterruption(store, event.operationId, event.interruption);
  } else if (event.type === 'mark') {
    await saveMark(store, event.operationId, event.mark);
  } else if (event.type === 'still') {
    await saveStill(store, event.operationId, event.still);
  } else if (event.type === 'message') {
    await saveMessage(store, event.operationId, event.message);
  } else if (event.type === 'angle.changed') {
    await saveAngleState(store, event.operationId, event.state);
  } else if (event.type === 'angle.removed') {
    await removeAngle(store, event);
  } else if (event.type === 'operation.ended') {
    await markEnded(store, event.operationId, event.endedMs);
  }
}
