import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { type Coturn, startCoturn, TURN_SECRET } from '../support/coturn.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { journalsOf, playTake } from '../support/playback.ts';
import { type WhipClient, whipClient } from '../support/whip-client.ts';

let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
let coturn: Coturn;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whip-gstreamer-'));
  coturn = await startCoturn();
  const turn = { TURN_URLS: `turn:127.0.0.1:${coturn.port}?transport=tcp`, TURN_SECRET };
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2', ...turn });
  operation = await phoneOperation(hub, ['编码器', '中继']);
});
afterAll(async () => {
  await hub.stop();
  await coturn.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Resolves when this angle records what the client sends. */
async function untilRecording(angleId: string, client: WhipClient): Promise<void> {
  const recording = async (): Promise<boolean> => {
    if (client.ended()) throw new Error(client.said());
    return (await operation.angle(angleId)).status === 'recording';
  };
  await until('the angle records', recording, 60_000);
}

it('GStreamer finds the TURN server in Link headers, and films through nothing else', async () => {
  const angle = operation.angles[1];
  const { angleId = '', url = '' } = angle ?? {};
  const client = whipClient(`${hub.url}/whip/${operation.operationId}/${angleId}`, url.split('#')[1] ?? '', ['-f', '-F']);
  await untilRecording(angleId, client);
  await operation.moreSegments(angleId, 1);
  expect(coturn.said()).toMatch(/ALLOCATE processed, success/);
  expect(await client.stop()).toBe(0);
});

it("GStreamer's webrtcbin films an angle through Debian's simple-whip-client, and deletes its session", async () => {
  const [angle] = operation.angles;
  if (!angle) throw new Error('there is one');
  const { angleId } = angle;
  const token = angle.url.split('#')[1] ?? '';
  const client = whipClient(`${hub.url}/whip/${operation.operationId}/${angleId}`, token);
  await untilRecording(angleId, client);
  // webrtcbin sends its first report when it gets round to it, some five seconds on
  const placed = async (): Promise<boolean> => (await operation.angle(angleId)).alignmentMethod === 'sender-report';
  await until('its reports place its pictures', placed, 60_000);
  expect(await operation.angle(angleId)).toMatchObject({
    sourceKind: 'whip',
    width: 640,
    height: 360,
    missingFrames: 0,
    withheldFrames: 0,
    source: { model: null, video: 'H.264' },
  });
  await until('its packets are counted', async () => (await operation.angle(angleId)).source?.loss?.percent === 0);
  expect(client.said()).toContain('Sending candidates'); // trickled: a PATCH each
  expect(client.said()).not.toMatch(/\[(ERR|FATAL)\]|HTTP error/); // not the letters alone: what it says holds random keys
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
