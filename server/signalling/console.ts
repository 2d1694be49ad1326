import type { Namespace, Socket } from 'socket.io';
import { messageOf } from '../../media/errors.ts';
import type { Claims } from '../auth/socket-tokens.ts';
import type { Context } from '../context.ts';
import { type ConsoleRequests, consoleRequests, type HubEvents } from '../protocol/socket.ts';
import { ConsolePermit } from './console-permit.ts';
import { consoleMarks } from './mark-requests.ts';
import { consoleTalk } from './talk-requests.ts';
import { joinPeer, Membership, sharedRequests } from './media-requests.ts';
import { answer } from './reply.ts';

type ConsoleClaims = Extract<Claims, { kind: 'console' }>;
const ABANDONED_MS = 30_000;

/** The consoles: each joins one operation's room and hears what happens in it. */
export class ConsoleNamespace {
  readonly #namespace: Namespace;
  readonly #context: Context;
  /** The socket that a viewer's peer belongs to now. */
  readonly #peers = new Map<string, Socket>();

  constructor(namespace: Namespace, context: Context) {
    this.#namespace = namespace;
    this.#context = context;
    namespace.on('connection', (socket) => this.#connected(socket, socket.data['claims'] as ConsoleClaims));
    context.hub.on('signedOut', (hashes) => this.#disconnect(({ sessionHash }) => hashes.includes(sessionHash)));
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
    context.hub.on('alarm', (alarm) => this.#room(alarm.operationId ?? null, 'alarm', alarm));
    context.hub.on('alarmCleared', (alarmId) => this.#room(null, 'alarm-cleared', { alarmId }));
    context.hub.on('shots', (operationId, list) => this.#room(operationId, 'shots', { operationId, list }));
    context.hub.on('operation', (operationId) => void this.#operation(operationId));
  }

  /** They come again, with what right they have then. */
  #disconnect(which: (claims: ConsoleClaims) => boolean): void {
    for (const socket of this.#namespace.sockets.values()) if (which(socket.data['claims'] as ConsoleClaims)) socket.disconnect(true);
  }

  #connected(socket: Socket, claims: ConsoleClaims): void {
    const membership = new Membership(null);
    const permit = new ConsolePermit(this.#context, claims.sessionHash, socket.handshake.address);
    const { hub } = this.#context;
    const peerId = (): string => membership.get().peerId;
    answer(
      socket,
      consoleRequests,
      {
        ...sharedRequests(this.#context, membership),
        ...consoleMarks(this.#context, membership),
        ...consoleTalk(this.#context, membership),
        join: async ({ peerId: wanted, operationId }) => {
          const may = await permit.mayOn(operationId);
          const { status } = await hub.view(operationId);
          // first the events, then the whole: what happens in between is told twice rather than never
          await socket.join(operationId);
          this.#peers.set(wanted, socket);
          if (status === 'ended') {
            const operation = await hub.view(operationId);
            return { rtpCapabilities: {}, peerExists: false, transports: [], producers: [], consumers: [], operation, talk: null, may };
          }
          const joined = await joinPeer(this.#context, membership, wanted, operationId);
          const { talk } = await hub.media.request('talkState', { operationId });
          return { ...joined, operation: await hub.view(operationId), talk, may };
        },
        consume: async ({ transportId, angleId, rtpCapabilities }) => {
          const { operationId } = membership.get();
          await this.#context.liveViews.begin(peerId(), permit.who(), operationId, angleId);
          return hub.media.request('consume', { peerId: peerId(), transportId, angleId, rtpCapabilities });
        },
        resumeConsumer: ({ consumerId }) => hub.media.request('resumeConsumer', { peerId: peerId(), consumerId }),
        pauseConsumer: ({ consumerId }) => hub.media.request('pauseConsumer', { peerId: peerId(), consumerId }),
        showConsumer: ({ consumerId, heightPx }) => hub.media.request('showConsumer', { peerId: peerId(), consumerId, heightPx }),
        closeConsumer: ({ consumerId }) => hub.media.request('closeConsumer', { peerId: peerId(), consumerId }),
        answerTakeover: async ({ requestId, agree }) => {
          hub.takeovers.answer(membership.get().operationId, requestId, agree);
          return {};
        },
        dismissAlarm: ({ alarmId }) => hub.media.request('dismissAlarm', { alarmId }),
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
    setTimeout(() => {
      if (this.#peers.get(peerId) !== socket) return; // it came back
      this.#peers.delete(peerId);
      this.#context.liveViews.end(peerId);
      this.#context.hub.media
        .request('closePeer', { peerId, reason: 'connection-lost' })
        .catch((error: unknown) => this.#context.log.debug({ reason: messageOf(error) }, 'viewer not closed'));
    }, ABANDONED_MS).unref();
  }

  /** Tell everybody who watches this operation, or (null) everybody. */
  #room<K extends keyof HubEvents>(operationId: string | null, name: K, value: HubEvents[K]): void {
    (operationId === null ? this.#namespace : this.#namespace.to(operationId)).emit(name, value);
  }

  async #operation(operationId: string): Promise<void> {
    try {
      this.#room(operationId, 'operation', { operation: await this.#context.hub.view(operationId) });
    } catch (error) {
      this.#context.log.warn({ operationId, reason: messageOf(error) }, 'operation not told');
    }
  }
}
