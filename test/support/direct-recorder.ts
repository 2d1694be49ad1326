import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import { OperationRecorder } from '../../media/recorder/operation-recorder.ts';
import { Signer } from '../../media/recordings/signer.ts';
import { WriteBudget } from '../../media/recorder/write-budget.ts';
import { type HubClock, systemHubClock } from '../../media/time/hub-clock.ts';

/** A recorder of its own, without an SFU, of an operation under `root`; an alarm is a failure, unless it is told. */
export async function openRecorder(
  root: string,
  segmentMs: number,
  clock: HubClock = systemHubClock(),
  operationId = 'op-1',
  alarm: (message: string) => void = (message) => expect.unreachable(message),
): Promise<OperationRecorder> {
  return OperationRecorder.open({
    operationDir: join(root, 'recordings', operationId),
    operationId,
    name: '摄像机',
    segmentMs,
    silenceMs: 1500,
    clock,
    clockSynchronised: null,
    signer: await Signer.load(join(root, 'keys')),
    hubVersion: '0',
    log: pino({ level: 'silent' }),
    emit: () => undefined,
    changed: () => undefined,
    refuse: () => null,
    alarms: { raise: ({ message }) => alarm(message), clear: () => undefined },
    budget: new WriteBudget(64 * 2 ** 20),
    lost: () => undefined,
  });
}
