import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { readImage } from '../../media/recordings/image-size.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { freePort, type RunningHub, startHub } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleSocket, openPhone, type PhoneSocket } from '../support/phone-socket.ts';

let root = '';
let ports: Record<string, string>;
let hub: RunningHub;
let operation: PhoneOperation;
let phone: PhoneSocket;
let desk: PhoneSocket;
let photo: Buffer;
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-stills-'));
  ports = { PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  hub = await startHub(join(root, 'data'), ports);
  operation = await phoneOperation(hub, ['东侧']);
  angleId = operation.angles[0]?.angleId ?? '';
  phone = await openPhone(hub, operation.angles[0]?.url ?? '');
  desk = await openConsoleSocket(hub, operation.operationId);
  const path = join(root, 'photo.jpg');
  const made = spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=4000x3000', '-frames:v', '1', '-q:v', '3', path]);
  expect(String(made.stderr)).toBe('');
  photo = readFileSync(path);
});
afterAll(async () => {
  phone.close();
  desk.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const lines = (): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === 'still');
type Answer = { status: number; body: Record<string, unknown> };
async function upload(
  bytes: Buffer,
  more: { stillId?: string; angleId?: string; sha256?: string; cookie?: string; type?: string } = {},
): Promise<Answer> {
  const query = new URLSearchParams({
    stillId: more.stillId ?? 'still-0001',
    angleId: more.angleId ?? angleId,
    atMs: String(Date.now()),
    sha256: more.sha256 ?? sha256Of(bytes),
  });
  const response = await fetch(`${hub.url}/api/capture/stills?${query.toString()}`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { 'content-type': more.type ?? 'image/jpeg', cookie: more.cookie ?? phone.cookie },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a picture that an operator takes', () => {
  it('lies in its angle’s folder as it was sent, journalled with its hash, and is told', async () => {
    const { status, body } = await upload(photo);
    expect(status).toBe(201);
    const facts = { stillId: 'still-0001', angleId, file: 'stills/still-0001.jpg', width: 4000, height: 3000, sha256: sha256Of(photo) };
    expect(body).toMatchObject({ ...facts, type: 'image/jpeg', sizeBytes: photo.length });
    expect(readFileSync(join(operation.dir, angleId, 'stills/still-0001.jpg')).equals(photo)).toBe(true);
    expect(lines()).toMatchObject([{ ...facts, image: 'image/jpeg' }]);
    await expect.poll(() => desk.told('still')).toMatchObject([{ still: { stillId: 'still-0001' } }]);
    const { stills } = await call(hub, OperationView, 'GET', `/operations/${operation.operationId}`);
    expect(stills).toMatchObject([facts]);
  });

  it('is the same one however often it is sent', async () => {
    const answers = await Promise.all([upload(photo), upload(photo)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(lines()).toHaveLength(1);
  });

  it('is shown whole and small', async () => {
    const url = `${hub.url}/api/operations/${operation.operationId}/angles/${angleId}/stills/still-0001`;
    const whole = Buffer.from(await (await hubFetch(url)).arrayBuffer());
    expect(whole.equals(photo)).toBe(true);
    const small = Buffer.from(await (await hubFetch(`${url}?size=small`)).arrayBuffer());
    expect(readImage(small)).toEqual({ type: 'image/jpeg', width: 480, height: 360 });
    // a phone may call its picture `<angle>-0001`: that must not become the poster of the angle
    expect(readdirSync(join(hub.dataDir, 'posters'))).toEqual([`still-${operation.operationId}-still-0001.jpg`]);
    expect((await hubFetch(url.replace('still-0001', 'still-none'))).status).toBe(404);
  });

  it('is refused when it is not what it says, and leaves nothing behind', async () => {
    const stillId = 'still-0002';
    expect(await upload(photo, { stillId, sha256: '0'.repeat(64) })).toMatchObject({ status: 400, body: { field: 'sha256' } });
    expect(await upload(Buffer.from('<svg/>'), { stillId })).toMatchObject({ status: 400, body: { field: 'type' } });
    expect(await upload(photo, { stillId: '../../x' })).toMatchObject({ status: 400, body: { field: 'stillId' } });
    expect((await upload(photo, { stillId, type: 'image/gif' })).status).toBe(415);
    expect((await upload(photo, { stillId, cookie: 'fh_capture=none' })).status).toBe(401);
    expect(await upload(Buffer.alloc(26 * 2 ** 20), { stillId })).toMatchObject({ status: 400, body: { field: 'size' } });
    expect(await upload(photo, { stillId, angleId: 'an-other' })).toMatchObject({ status: 409, body: { field: 'angleId' } });
    expect(readdirSync(join(hub.dataDir, 'uploads'))).toEqual([]);
    expect(readdirSync(join(operation.dir, angleId, 'stills'))).toEqual(['still-0001.jpg']);
    expect(lines()).toHaveLength(1);
  });

  it('of which no line was written is not kept: its phone was told nothing, and sends it again', async () => {
    phone.close();
    desk.close();
    await hub.killAll();
    const orphan = join(operation.dir, angleId, 'stills/still-0003.jpg');
    writeFileSync(orphan, photo);
    hub = await startHub(join(root, 'data'), ports);
    expect(existsSync(orphan)).toBe(false);
    phone = await openPhone(hub, operation.angles[0]?.url ?? '');
    expect((await upload(photo, { stillId: 'still-0003' })).status).toBe(201);
    expect(existsSync(orphan)).toBe(true);
  });

  it('is in the package and in its verification', async () => {
    await operation.end();
    expect((await upload(photo, { stillId: 'still-0004' })).status).toBe(410);
    const packed = join(await operation.packed(), 'data');
    expect(readFileSync(join(packed, angleId, 'stills/still-0003.jpg')).equals(photo)).toBe(true);
    const copy = join(root, 'copy');
    await cp(operation.dir, copy, { recursive: true });
    expect((await verifyOperation(copy)).problems).toEqual([]);
    const changed = Buffer.from(photo);
    changed.writeUInt8(changed.readUInt8(5000) ^ 1, 5000);
    writeFileSync(join(copy, angleId, 'stills/still-0001.jpg'), changed);
    rmSync(join(copy, angleId, 'stills/still-0003.jpg'));
    writeFileSync(join(copy, angleId, 'stills/added.jpg'), photo);
    const found = (await verifyOperation(copy)).problems;
    expect(found).toContainEqual({ path: `${angleId}/stills/still-0001.jpg`, message: expect.stringContaining('was changed') });
    expect(found).toContainEqual({ path: `${angleId}/stills/still-0003.jpg`, message: 'is missing' });
    expect(found).toContainEqual({ path: `${angleId}/stills/added.jpg`, message: 'is in no journal' });
  });
});
