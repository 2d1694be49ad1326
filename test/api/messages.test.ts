import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkMessages, messagesOf } from '../../media/recordings/messages.ts';
import type { OperationLine } from '../../media/recordings/lines.ts';
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
let east: PhoneSocket;
let west: PhoneSocket;
let desk: PhoneSocket;
const ids = (): string[] => operation.angles.map(({ angleId }) => angleId);
async function connect(): Promise<void> {
  east = await openPhone(hub, operation.angles[0]?.url ?? '');
  west = await openPhone(hub, operation.angles[1]?.url ?? '');
  desk = await openConsoleSocket(hub, operation.operationId);
}
function disconnect(): void {
  for (const socket of [east, west, desk]) socket.close();
}
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-messages-'));
  ports = { PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  hub = await startHub(join(root, 'data'), ports);
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  await connect();
});
afterAll(async () => {
  disconnect();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const lines = (type: string): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === type);
const heard = (socket: PhoneSocket): unknown[] => socket.told('message').map(({ message }) => (message as { messageId: string }).messageId);

describe('what a commander writes', () => {
  it('to one operator reaches that one, to all everybody; it is journalled, once', async () => {
    const one = { messageId: 'message-01', kind: 'text', angleId: ids()[0], text: '请退后五米' };
    await Promise.all([desk.ask('sendMessage', one), desk.ask('sendMessage', one)]);
    await desk.ask('sendMessage', { messageId: 'message-02', kind: 'shot', angleId: null, text: '屋内物品全景' });
    await expect.poll(() => heard(east)).toEqual(['message-01', 'message-02']);
    await expect.poll(() => heard(west)).toEqual(['message-02']); // by another socket, which may be a moment later
    expect(lines('message')).toMatchObject([one, { messageId: 'message-02', kind: 'shot', angleId: null, text: '屋内物品全景' }]);
  });

  it('is said to be seen by each of those it was for, once, and by nobody else', async () => {
    const atMs = Number(lines('message')[1]?.['atMs']) + 0.25; // by the hub's clock, which need not be this one's to the millisecond
    await east.ask('seeMessage', { messageId: 'message-02', atMs });
    await east.ask('seeMessage', { messageId: 'message-02', atMs: atMs + 5000 });
    await west.ask('seeMessage', { messageId: 'message-02', atMs: 1 }); // before it was sent: a wrong clock
    await expect(west.ask('seeMessage', { messageId: 'message-01', atMs })).rejects.toThrow('forbidden');
    await expect(west.ask('seeMessage', { messageId: 'message-99', atMs })).rejects.toThrow('not_found');
    expect(lines('message.seen')).toMatchObject([
      { messageId: 'message-02', angleId: ids()[0], atMs },
      { messageId: 'message-02', angleId: ids()[1], atMs: lines('message')[1]?.['atMs'] },
    ]);
    await expect
      .poll(() => desk.told('message').at(-1))
      .toMatchObject({ message: { seen: [{ angleId: ids()[0] }, { angleId: ids()[1] }] } });
  });

  it('is refused when it is empty, too long, or for nobody', async () => {
    const good = { messageId: 'message-03', kind: 'text', angleId: null, text: 'x' };
    await expect(desk.ask('sendMessage', { ...good, text: ' ' })).rejects.toThrow('bad_request text');
    await expect(desk.ask('sendMessage', { ...good, text: 'x'.repeat(201) })).rejects.toThrow('bad_request text');
    await expect(desk.ask('sendMessage', { ...good, kind: 'order' })).rejects.toThrow('bad_request kind');
    await expect(desk.ask('sendMessage', { ...good, angleId: 'nowhere' })).rejects.toThrow('not_found angleId');
    await desk.ask('sendMessage', { ...good, text: '字'.repeat(200) });
  });

  it('waits for a phone that was away, and for one that comes after the hub was killed', async () => {
    disconnect();
    await hub.killAll();
    hub = await startHub(join(root, 'data'), ports);
    await connect();
    const joined = (await east.ask('join', { peerId: 'phone-east-01' })) as { messages: { messageId: string }[] };
    expect(joined.messages.map(({ messageId }) => messageId)).toEqual(['message-01', 'message-02', 'message-03']);
    const others = (await west.ask('join', { peerId: 'phone-west-01' })) as { messages: { messageId: string; seen: unknown[] }[] };
    expect(others.messages.map(({ messageId }) => messageId)).toEqual(['message-02', 'message-03']);
    expect(others.messages[0]?.seen).toHaveLength(2);
    const { messages } = await call(hub, OperationView, 'GET', `/operations/${operation.operationId}`);
    expect(messages).toHaveLength(3);
  });

  it('is verified with the operation', async () => {
    await operation.end();
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    const own = journalLines(join(operation.dir, 'operation.ndjson')) as unknown as OperationLine[];
    expect(messagesOf(own)).toHaveLength(3);
    const without = own.filter((line) => line.type !== 'message');
    expect(checkMessages(without)).toHaveLength(2);
    const forged = own.map((line) => (line.type === 'message.seen' ? { ...line, messageId: 'message-01' } : line));
    expect(checkMessages(forged)).toEqual(['message.seen message-01: was seen by an angle that it was not for']);
  });
});
