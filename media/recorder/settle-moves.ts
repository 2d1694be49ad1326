import { existsSync } from 'node:fs';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { OperationLine } from '../recordings/lines.ts';
import { knownTakes, type MovedIn, type MovedOut } from '../recordings/moves.ts';
import { operationDirIn, takeDir } from '../recordings/paths.ts';
import { readOperationLines } from '../recordings/read.ts';
import type { Signer } from '../recordings/signer.ts';
import { resumedSide } from './move-side.ts';
import { renameTake } from './move-take.ts';

export type SettleContext = { recordingsDir: string; signer: Signer; nowMs: () => number; log: Log };

/**
 * Moves of takes that the hub died in: one that only the operation knows that the take should leave is undone by a line that
 * says so, one that both know is finished. To be called while nobody writes to these operations' journals; every step can be
 * repeated. What cannot be settled is told, and left as it is.
 */
export async function settleMoves(operationIds: string[], context: SettleContext): Promise<void> {
  for (const operationId of operationIds) {
    try {
      await settleOperation(operationId, context);
    } catch (error) {
      context.log.error({ err: error, operationId }, 'a move of a take could not be settled');
    }
  }
}

async function settleOperation(operationId: string, context: SettleContext): Promise<void> {
  const dir = operationDirIn(context.recordingsDir, operationId);
  for (const { angleId, takeId, movedIn, movedOut } of knownTakes(await readOperationLines(dir))) {
    const lies = existsSync(takeDir(dir, angleId, takeId));
    if (movedOut && lies) await settleLeaving(operationId, movedOut, context);
    else if (movedIn && !movedOut && !lies) await settleComing(operationId, movedIn, context);
  }
}

/** It should have left, and lies here still. */
async function settleLeaving(operationId: string, line: MovedOut, context: SettleContext): Promise<void> {
  const { moveId, angleId, takeId, toOperationId, toAngleId, toTakeId } = line;
  const target = await linesOf(toOperationId, context);
  const coming = knownTakes(target ?? []).find(({ movedIn }) => movedIn?.moveId === moveId);
  if (!coming) return undo(operationId, moveId, context);
  const [here, there] = [place(operationId, angleId, takeId, context), place(toOperationId, toAngleId, toTakeId, context)];
  if (existsSync(there)) throw new HubError('corrupt', `${here} was moved to ${there}, and lies in both places`);
  await renameTake(here, there);
  context.log.warn({ moveId, operationId, toOperationId }, 'a move of a take was finished that the hub had died in');
}

/** It should have come. Where its move was undone on the other side, or begun by nobody, this side had not heard of that. */
async function settleComing(operationId: string, line: MovedIn, context: SettleContext): Promise<void> {
  const source = await linesOf(line.fromOperationId, context);
  if (!source || knownTakes(source).some(({ movedOut }) => movedOut?.moveId === line.moveId)) return;
  await undo(operationId, line.moveId, context);
}

async function undo(operationId: string, moveId: string, { recordingsDir, signer, nowMs, log }: SettleContext): Promise<void> {
  const side = await resumedSide(operationId, operationDirIn(recordingsDir, operationId), signer);
  try {
    await side.write({ type: 'take.move-undone', moveId, atMs: nowMs() });
  } finally {
    await side.close();
  }
  log.warn({ moveId, operationId }, 'a move of a take was undone that the hub had died in');
}

/** Null where there is no such operation any more. Throws `corrupt`, and what the disk says. */
async function linesOf(operationId: string, { recordingsDir }: SettleContext): Promise<OperationLine[] | null> {
  try {
    return await readOperationLines(operationDirIn(recordingsDir, operationId));
  } catch (error) {
    if (error instanceof HubError && error.code === 'not_found') return null;
    throw new HubError('corrupt', `operation ${operationId}: ${messageOf(error)}`, { cause: error });
  }
}

const place = (operationId: string, angleId: string, takeId: string, { recordingsDir }: SettleContext): string =>
  takeDir(operationDirIn(recordingsDir, operationId), angleId, takeId);
