import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { journalsOf, playTake } from '../support/playback.ts';
import { whipClient } from '../support/whip-client.ts';

let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whip-gstreamer-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  operation = await phoneOperation(hub, ['编码器']);
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

it("GStreamer's webrtcbin films an angle through Debian's simple-whip-client, and deletes its session", async () => {
  const [angle] = operation.angles;
  if (!angle) throw new Error('there is one');
  const { angleId } = angle;
  const token = angle.url.split('#')[1] ?? '';
  const client = whipClient(`${hub.url}/whip/${operation.operationId}/${angleId}`, token);
  await until(
    'the angle records',
    async () => {
      if (client.ended()) throw new Error(client.said());
      return (await operation.angle(angleId)).status === 'recording';
    },
    60_000,
  );
  // webrtcbin sends its first report when it gets round to it, some five seconds on
  const placed = async (): Promise<boolean> => (await operation.angle(angleId)).alignmentMethod === 'sender-report';
  await until('its reports place its pictures', placed, 60_000);
  expect(await operation.angle(angleId)).toMatchObject({
    sourceKind: 'whip',
    width: 640,
    height: 360,
    missingFrames: 0,
    withheldFrames: 0,
  });
  expect(client.said()).toContain('Sending candidates'); // trickled: a PATCH each
  expect(client.said()).not.toMatch(/ERR|HTTP error/);
  expect(await client.stop()).toBe(0);
  await until('the angle is interrupted', async () => (await operation.angle(angleId)).interruption?.cause === 'stopped-by-operator');
  await operation.end();
  await operation.packed();
  expect((await verifyOperation(operation.dir)).problems).toEqual([]);
  const lines = journalsOf(operation.dir, angleId)[0]?.lines ?? [];
  expect(lines.findLast(({ type }) => type === 'take.ended')?.['reason']).toBe('stopped-by-operator');
  expect(lines.flatMap((line) => (line['type'] === 'segment' ? [line['method']] : []))).toContain('sender-report');
  const { status, said } = await playTake(operation.dir, angleId, '0001');
  expect([status, said]).toEqual([0, '']);
  expect(hub.output()).not.toContain(token);
});
