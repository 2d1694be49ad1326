import type { Namespace, Socket } from 'socket.io';
import { messageOf } from '../../media/errors.ts';
import type { Claims } from '../auth/socket-tokens.ts';
import type { Context } from '../context.ts';
import { type ConsoleRequests, consoleRequests, type HubEvents } from '../protocol/socket.ts';
import { viewerOwner } from '../live/live-rights.ts';
import { angleName } from '../store/operations.ts';
import { consoleAlarms } from './alarm-requests.ts';
import { ConsolePermit, maySee } from './console-permit.ts';
import { consoleMarks } from './mark-requests.ts';
import { consoleTakeovers } from './takeover-requests.ts';
import { consoleTalk } from './talk-requests.ts';
import { joinPeer, Membership, peerName, sharedRequests } from './media-requests.ts';
import { answer } from './reply.ts';

type ConsoleClaims = Extract<Claims, { kind: 'console' }>;
const ABANDONED_MS = 30_000;
/** The room of all who have joined an operation. */
const JOINED = 'joined';
const operationsOf = ({ rooms, id }: Socket): string[] => [...rooms].filter((room) => room !== id && room !== JOINED);

/** The consoles: each joins one operation's room and hears what happens in it. */
export class ConsoleNamespace {
  readonly #namespace: Namespace;
  readonly #context: Context;
  /** The socket that a viewer's peer belongs to now, by the media plane's name for it. */
  readonly #peers = new Map<string, Socket>();

  constructor(namespace: Namespace, context: Context) {
    this.#namespace = namespace;
    this.#context = context;
    namespace.on('connection', (socket) => this.#connected(socket, socket.data['claims'] as ConsoleClaims));
    context.hub.on('signedOut', (keys) => this.#disconnect(({ sessionHash }) => keys.includes(sessionHash)));
    context.hub.on('rights', () => void this.#review());
    context.hub.on('media', (event) => {
      if (event.type === 'angle.changed') this.#room(event.operationId, 'angle', { operationId: event.operationId, state: event.state });
      else if (event.type === 'mark') this.#room(event.operationId, 'mark', { operationId: event.operationId, mark: event.mark });
      else if (event.type === 'still') this.#room(event.operationId, 'still', { operationId: event.operationId, still: event.still });
      else if (event.type === 'message')
        this.#room(event.operationId, 'message', { operationId: event.operationId, message: event.message });
      else if (event.type === 'talk') this.#room(event.operationId, 'talk', { operationId: event.operationId, talk: event.talk });
      else if (event.type === 'peer.closed')
        this.#peers.get(event.peerId)?.emit('peer-closed', { reason: event.reason } satisfies HubEvents['peer-closed']);
      else if (event.type === 'consumer.closed')
        this.#peers.get(event.peerId)?.emit('consumer-closed', { consumerId: event.consumerId } satisfies HubEvents['consumer-closed']);
      else if ('operationId' in event && event.operationId && event.type !== 'segment.written') void this.#operation(event.operationId);
    });
    context.hub.on('alarm', (alarm) => this.#room(alarm.operationId ?? JOINED, 'alarm', alarm));
    context.hub.on('alarmCleared', ({ alarmId, operationId }) => this.#room(operationId ?? JOINED, 'alarm-cleared', { alarmId }));
    context.hub.on('shots', (operationId, list) => this.#room(operationId, 'shots', { operationId, list }));
    context.hub.on('operation', (operationId) => void this.#operation(operationId));
  }

  /** They come again, with what right they have then. */
  #disconnect(which: (claims: ConsoleClaims) => boolean): void {
    for (const socket of this.#namespace.sockets.values()) if (which(socket.data['claims'] as ConsoleClaims)) socket.disconnect(true);
  }

  #connected(socket: Socket, claims: ConsoleClaims): void {
    const membership = new Membership(viewerOwner(claims.sessionHash));
    const permit = new ConsolePermit(this.#context, claims.sessionHash, socket.handshake.address);
    const { hub, liveViews, store } = this.#context;
    const peerId = (): string => membership.get().peerId;
    answer(
      socket,
      consoleRequests,
      {
        ...sharedRequests(this.#context, membership),
        ...consoleMarks(this.#context, membership),
        ...consoleTalk(this.#context, membership),
        ...consoleTakeovers(this.#context, membership, permit),
        ...consoleAlarms(this.#context, membership, permit),
        join: async ({ peerId: wanted, operationId }) => {
          const may = await permit.mayOn(operationId);
          const { status } = await hub.view(operationId);
          const name = peerName(membership.owner, operationId, wanted);
          if (membership.peerId !== null && (membership.peerId !== name || status === 'ended')) this.#close(membership.leave());
          for (const room of operationsOf(socket)) if (room !== operationId) await socket.leave(room);
          // first the events, then the whole: what happens in between is told twice rather than never
          await socket.join([operationId, JOINED]);
          if (status === 'ended') {
            membership.peerId = null;
            membership.operationId = operationId;
            const operation = await hub.view(operationId);
            return { rtpCapabilities: {}, peerExists: false, transports: [], producers: [], consumers: [], operation, talk: null, may };
          }
          this.#peers.set(name, socket);
          const joined = await joinPeer(this.#context, membership, name, operationId).finally(() => {
            if (membership.peerId !== name || !socket.connected) this.#abandon(name, socket, membership);
          });
          const { talk } = await hub.media.request('talkState', { operationId });
          return { ...joined, operation: await hub.view(operationId), talk, may };
        },
        consume: async ({ transportId, angleId, rtpCapabilities }) => {
          const viewer = { who: permit.who(), ...membership.get() };
          await angleName(store, viewer.operationId, angleId); // nobody has watched what is not there
          const send = () => hub.media.request('consume', { peerId: viewer.peerId, transportId, angleId, rtpCapabilities });
          return liveViews.watch(viewer, angleId, send, ({ consumers }) => consumers.map(({ consumerId }) => consumerId));
        },
        resumeConsumer: ({ consumerId }) => hub.media.request('resumeConsumer', { peerId: peerId(), consumerId }),
        pauseConsumer: ({ consumerId }) => hub.media.request('pauseConsumer', { peerId: peerId(), consumerId }),
        showConsumer: ({ consumerId, heightPx }) => hub.media.request('showConsumer', { peerId: peerId(), consumerId, heightPx }),
        closeConsumer: async ({ consumerId }) => {
          const closed = await hub.media.request('closeConsumer', { peerId: peerId(), consumerId });
          liveViews.consumerClosed(peerId(), consumerId);
          return closed;
        },
      },
      this.#context,
      (name, params) => permit.check(name as keyof ConsoleRequests, params, membership.operationId),
    );
    socket.on('disconnect', () => this.#left(socket, membership));
  }

  #left(socket: Socket, membership: Membership): void {
    const { peerId } = membership;
    if (peerId === null) return;
    // nobody may hold the line who can no longer be told that it is his
    this.#context.hub.media
      .request('stopTalk', { peerId, reason: 'connection-lost' })
      .catch((error: unknown) => this.#context.log.debug({ reason: messageOf(error) }, 'talk not ended'));
    this.#abandon(peerId, socket, membership);
  }

  /** Whose peer this is has gone, or could not join: unless it comes back, its peer ends. */
  #abandon(peerId: string, socket: Socket, membership: Membership): void {
    setTimeout(() => {
      const isBack = this.#peers.get(peerId) !== socket || (socket.connected && membership.peerId === peerId);
      if (!isBack) this.#close(peerId);
    }, ABANDONED_MS).unref();
  }

  #close(peerId: string): void {
    this.#peers.delete(peerId);
    this.#context.liveViews.end(peerId);
    this.#context.hub.media
      .request('closePeer', { peerId, reason: 'connection-lost' })
      .catch((error: unknown) => this.#context.log.debug({ reason: messageOf(error) }, 'viewer not closed'));
  }

  /** Whoever may not see an operation any more hears no word of it from now on. What they watch, `LiveRights` ends. */
  async #review(): Promise<void> {
    for (const socket of this.#namespace.sockets.values()) {
      const { sessionHash } = socket.data['claims'] as ConsoleClaims;
      try {
        const may = await Promise.all(operationsOf(socket).map((operationId) => maySee(this.#context, sessionHash, operationId)));
        if (may.includes(false)) socket.disconnect(true);
      } catch (error) {
        this.#context.log.warn({ reason: messageOf(error) }, "a console's right was not looked at"); // again soon
      }
    }
  }

  /** Tell everybody who has joined this operation, or (`JOINED`) any. */
  #room<K extends keyof HubEvents>(room: string, name: K, value: HubEvents[K]): void {
    this.#namespace.to(room).emit(name, value);
  }

  async #operation(operationId: string): Promise<void> {
    try {
      this.#room(operationId, 'operation', { operation: await this.#context.hub.view(operationId) });
    } catch (error) {
      this.#context.log.warn({ operationId, reason: messageOf(error) }, 'operation not told');
    }
  }
}
