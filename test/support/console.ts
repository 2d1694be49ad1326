import { io } from 'socket.io-client';
import { call } from '../../scripts/demo/hub.ts';
import { Alarm } from '../../server/protocol/http.ts';
import { Me } from '../../server/protocol/people.ts';
import type { RunningHub } from './hub.ts';

export type Desk = { raised: Alarm[]; cleared: string[]; dismiss: (alarmId: string) => Promise<void>; close: () => void };

/** What a console that watches this operation hears of alarms, from now on. */
export async function openDesk(hub: RunningHub, operationId: string): Promise<Desk> {
  const { socketToken } = await call(hub, Me, 'GET', '/session');
  const socket = io(`${hub.url}/console`, { auth: { token: socketToken }, transports: ['websocket'], forceNew: true });
  const raised: Alarm[] = [];
  const cleared: string[] = [];
  socket.on('alarm', (alarm: unknown) => raised.push(Alarm.parse(alarm)));
  socket.on('alarm-cleared', ({ alarmId }: { alarmId: string }) => cleared.push(alarmId));
  const ask = async (name: string, params: object): Promise<void> => {
    const reply = (await socket.timeout(30_000).emitWithAck(name, params)) as { ok: boolean };
    if (!reply.ok) throw new Error(`${name}: ${JSON.stringify(reply)}`);
  };
  await ask('join', { peerId: 'test-desk-0001', operationId });
  return { raised, cleared, dismiss: (alarmId) => ask('dismissAlarm', { alarmId }), close: () => void socket.close() };
}
