import { once } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { HubError } from '../../media/errors.ts';
import { EventLog, type MediaHandlers, serveMedia } from '../../media/protocol/channel.ts';
import { OPERATION, operationWith, personWith } from '../support/custody-plane.ts';
import { controlPlane } from '../support/in-process.ts';
import { openConsoleOf } from '../support/phone-socket.ts';

it('a page that came back and could not join leaves no peer behind, nor the one before it', async () => {
  const plane = await controlPlane();
  const left = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<string>();
  let away = false;
  const here = { exists: true, transports: [], producers: [], consumers: [], operationId: OPERATION, owner: 'viewer', iceUfrags: [] };
  const handlers: Partial<MediaHandlers> = {
    routerCapabilities: async () => {
      if (away) throw new HubError('unavailable', 'not now');
      return { rtpCapabilities: {} };
    },
    peerState: async () => here,
    talkState: async () => ({ talk: null }),
    stopTalk: async () => (left.resolve(), {}),
    closePeer: async ({ peerId }) => (closed.resolve(peerId), {}),
  };
  const { media } = plane.context.hub;
  const socketPath = plane.context.settings.mediaSocket;
  const channel = await serveMedia({ socketPath, handlers: handlers as MediaHandlers, events: new EventLog(), warn: () => undefined });
  const up = once(media, 'up');
  media.start();
  await up;
  await operationWith(plane);
  const cookie = await personWith(plane, 'pe-desk', ['commander']);
  const before = await openConsoleOf(plane, cookie);
  const after = await openConsoleOf(plane, cookie);
  onTestFinished(async () => {
    vi.useRealTimers();
    after.close();
    await plane.close();
    await channel.close();
  });

  expect(await before.ask('join', { peerId: 'desk-0001', operationId: OPERATION })).toMatchObject({ peerExists: true });
  before.close();
  await left.promise;
  away = true;
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  await expect(after.ask('join', { peerId: 'desk-0001', operationId: OPERATION })).rejects.toThrow('unavailable');
  vi.advanceTimersByTime(30_000);
  expect(await closed.promise).toMatch(/^[\w-]{32}$/);
});
