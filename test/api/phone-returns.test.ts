import { once } from 'node:events';
import { io, type Socket } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import type { Message } from '../../media/protocol/messages.ts';
import { createLink, revokeDevice, revokeLink } from '../../server/store/capture-links.ts';
import { exchangeToken, hash } from '../../server/store/sessions.ts';
import { ANGLE, OPERATION, operationWith } from '../support/custody-plane.ts';
import { until } from '../support/hub.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

type Phone = { linkId: string; sessionHash: string; socket: Socket; heard: string[]; ends: () => Promise<string> };

/** A phone of a link of its own; `heard`: every message that reached it, whether it had been let in by then or not. */
async function phoneOf({ context, url }: ControlPlane, linkId: string): Promise<Phone> {
  const { store, tokens } = context;
  const nowMs = Date.now();
  const wanted = { linkId, operationId: OPERATION, angleId: ANGLE, devices: 'several', label: null, expiresMs: nowMs + 3_600_000 } as const;
  const { token } = await createLink(store, wanted, nowMs);
  const { session, grant } = await exchangeToken(store, token, { present: undefined, device: 'Pixel', address: '10.1.0.1' }, nowMs);
  const auth = { token: tokens.issue({ kind: 'capture', ...grant, angleId: ANGLE }, nowMs) };
  const socket = io(`${url}/capture`, { auth, transports: ['websocket'], forceNew: true, reconnection: false });
  const heard: string[] = [];
  socket.io.on('packet', ({ data }) => {
    if (Array.isArray(data) && data[0] === 'message') heard.push((data[1] as { message: Message }).message.text);
  });
  await once(socket as never, 'connect');
  const ends = () =>
    Promise.race([once(socket as never, 'connect').then(() => 'let in'), once(socket as never, 'connect_error').then(() => 'refused')]);
  return { linkId, sessionHash: hash(session), socket, heard, ends };
}

it('a phone that was away hears what it missed, and nothing once its link is revoked or it is shut out', async () => {
  const plane = await controlPlane();
  const { hub, store } = plane.context;
  await operationWith(plane);
  const phones = [await phoneOf(plane, 'ln-stays'), await phoneOf(plane, 'ln-revoked'), await phoneOf(plane, 'ln-shut-out')] as const;
  onTestFinished(async () => {
    for (const { socket } of phones) socket.close();
    await plane.close();
  });
  const tell = (text: string) =>
    hub.emit('media', { type: 'message', operationId: OPERATION, message: { messageId: text, angleId: null, text, atMs: 1 } as Message });
  tell('before');
  await until('all hear it', () => phones.every(({ heard }) => heard.length === 1));
  for (const { socket } of phones) socket.io.engine.close();
  await until('all are away', () => plane.io.of('/capture').sockets.size === 0);
  const [stays, revoked, out] = phones;
  await revokeLink(store, OPERATION, revoked.linkId);
  await revokeDevice(store, OPERATION, out.linkId, `dv-${out.sessionHash.slice(0, 16)}`);
  tell('meanwhile');
  const ends = await Promise.all(phones.map(({ socket, ends: end }) => (socket.connect(), end())));
  expect(ends).toEqual(['let in', 'refused', 'refused']);
  expect([stays.heard, revoked.heard, out.heard]).toEqual([['before', 'meanwhile'], ['before'], ['before']]);
});
