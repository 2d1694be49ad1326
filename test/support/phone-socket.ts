import { io } from 'socket.io-client';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureSession } from '../../server/protocol/http.ts';
import { Me } from '../../server/protocol/people.ts';
import type { RunningHub } from './hub.ts';

export type PhoneSocket = {
  /** Throws with the refusal's code. */
  ask: (name: string, params: object) => Promise<Record<string, unknown>>;
  /** What the hub has told by this name, the oldest first. */
  told: (name: string) => Record<string, unknown>[];
  cookie: string;
  /** Whether it is connected now. */
  connected: () => boolean;
  close: () => void;
  /** Its network breaks, and is there again when this is called. */
  cut: () => () => void;
};

/** A capture page's signalling, without the page. */
export async function openPhone(hub: RunningHub, url: string): Promise<PhoneSocket> {
  const response = await fetch(`${hub.url}/api/capture/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: url.split('#')[1] }),
  });
  const { socketToken } = CaptureSession.parse(await response.json());
  if (socketToken === null) throw new Error('this link is of no angle: one has to be chosen first');
  return { ...openSocket(hub, 'capture', socketToken), cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

/** A console's signalling, joined to an operation. */
export async function openConsoleSocket(hub: RunningHub, operationId: string): Promise<PhoneSocket> {
  const { socketToken } = await call(hub, Me, 'GET', '/session');
  const socket = { ...openSocket(hub, 'console', socketToken), cookie: '' };
  await socket.ask('join', { peerId: `desk-${Math.random().toString(36).slice(2, 10).padEnd(8, '0')}`, operationId });
  return socket;
}

/** A console's signalling as somebody else has it, joined to nothing yet. */
export async function openConsoleOf(hub: Pick<RunningHub, 'url'>, cookie: string): Promise<PhoneSocket> {
  const { socketToken } = Me.parse(await (await fetch(`${hub.url}/api/session`, { headers: { cookie } })).json());
  return { ...openSocket(hub, 'console', socketToken), cookie };
}

function openSocket(hub: Pick<RunningHub, 'url'>, kind: string, token: string): Omit<PhoneSocket, 'cookie'> {
  const socket = io(`${hub.url}/${kind}`, { auth: { token }, transports: ['websocket'], forceNew: true });
  const heard: { name: string; value: Record<string, unknown> }[] = [];
  socket.onAny((name: string, value: Record<string, unknown>) => heard.push({ name, value }));
  return {
    ask: async (name, params) => {
      const reply = (await socket.timeout(30_000).emitWithAck(name, params)) as {
        ok: boolean;
        data: Record<string, unknown>;
        error: { code: string; field?: string };
      };
      if (!reply.ok) throw new Error([reply.error.code, reply.error.field].filter(Boolean).join(' '));
      return reply.data;
    },
    told: (name) => heard.filter((each) => each.name === name).map(({ value }) => value),
    connected: () => socket.connected,
    close: () => void socket.close(),
    cut: () => {
      socket.io.reconnection(false);
      socket.io.engine.close();
      return () => void socket.connect();
    },
  };
}
