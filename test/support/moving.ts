import { join } from 'node:path';
import { pino } from 'pino';
import { TakeMoves } from '../../media/operations/take-moves.ts';
import { Turns } from '../../media/operations/turns.ts';
import type { MediaEvent } from '../../media/protocol/events.ts';
import type { MoveOrder } from '../../media/protocol/moves.ts';
import type { OperationRecorder } from '../../media/recorder/operation-recorder.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { Signer } from '../../media/recordings/signer.ts';
import { hashFile, listFiles } from '../../media/recordings/verify-files.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { fixture } from './depacketize.ts';
import { type MadeUpTime, repeated } from './replay.ts';
import { trackInput } from './rtp.ts';

/** Record one take of an angle, some seconds of a captured camera. */
export async function filmTake(recorder: OperationRecorder, angleId: string, time: MadeUpTime, leastMs = 3000): Promise<void> {
  const video = fixture('h264');
  const take = recorder.startTake(angleId, 'camera');
  time.receive([{ sink: take.addTrack(trackInput(video)), sent: repeated(video, leastMs).sent }]);
  await recorder.endTake(take, 'stopped-by-operator');
}

/** What moves takes in the media plane, for recorders without an SFU, and the events that it tells. */
export async function mover(
  root: string,
  time: MadeUpTime,
  recorders: Map<string, OperationRecorder> = new Map(),
  turns = new Turns(),
): Promise<{ moves: TakeMoves; events: MediaEvent[] }> {
  const events: MediaEvent[] = [];
  const moves = new TakeMoves({
    dataDir: root,
    signer: await Signer.load(join(root, 'keys')),
    log: pino({ level: 'silent' }),
    turns,
    nowMs: () => time.nowMs,
    emit: (event) => events.push(event),
    refuse: () => null,
    live: (operationId) => recorders.get(operationId) ?? null,
  });
  return { moves, events };
}

export const orderOf = (from: string, to: string, toAngleName: string | null = null, moveId = 'mv-test0001'): MoveOrder => {
  const [operationId = '', angleId = '', takeId = ''] = from.split('/');
  const [toOperationId = '', toAngleId = ''] = to.split('/');
  const by = { personId: 'pe-1', name: '王队' };
  return {
    moveId,
    from: { operationId, angleId, takeId },
    to: { operationId: toOperationId, angleId: toAngleId },
    toAngleName,
    reason: '扫错了二维码',
    by,
  };
};

/** Where an operation lies in a data folder, its journal, and one of its takes (`east/0001`). */
export const dirOf = (data: string, operationId: string): string => operationDir(data, operationId);
export const journalOf = (data: string, operationId: string): string => join(dirOf(data, operationId), 'operation.ndjson');
export const folder = (data: string, operationId: string, take: string): string => join(dirOf(data, operationId), take);

export const problems = async (data: string, operationId: string): Promise<unknown[]> =>
  (await verifyOperation(dirOf(data, operationId))).problems;

/** Every file of a folder with its hash. */
export const contents = async (dir: string): Promise<string[]> =>
  Promise.all((await listFiles(dir)).map(async (path) => `${path} ${(await hashFile(join(dir, path))).sha256}`));
