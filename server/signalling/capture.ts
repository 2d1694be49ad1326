import type { Namespace, Socket } from 'socket.io';
import { HubError, messageOf } from '../../media/errors.ts';
import type { Claims } from '../auth/socket-tokens.ts';
import type { Context } from '../context.ts';
import { AnglesInUse } from '../live/in-use.ts';
import { forPhones } from '../live/shot-ticks.ts';
import type { AngleInUse } from '../protocol/capture.ts';
import type { Takeover } from '../protocol/http.ts';
import { captureRequests, type HubEvents } from '../protocol/socket.ts';
import { deviceOfSession, noteJoined } from '../store/seats.ts';
import { captureMarks } from './mark-requests.ts';
import { joinPeer, Membership, peerName, sharedRequests } from './media-requests.ts';
import { answer } from './reply.ts';
import { CaptureWays } from './way-requests.ts';

type CaptureClaims = Extract<Claims, { kind: 'capture' }>;
type Seat = { socket: Socket; claims: CaptureClaims; membership: Membership };

/** A phone whose signalling is gone for so long, and whose media is too, will not come back by itself. */
const ABANDONED_MS = 60_000;
/** So many of its angle's marks and messages a phone is told when it joins. */
const RECENT = 50;

/**
 * The phones: one seat an angle. While a device films it, another one is refused, whatever its link, until a commander has agreed;
 * once nothing comes from it any more, the next one simply takes its place.
 */
export class CaptureNamespace {
  readonly #namespace: Namespace;
  readonly #context: Context;
  readonly #seats = new Map<string, Seat>();
  readonly #ways: CaptureWays;

  constructor(namespace: Namespace, context: Context) {
    this.#namespace = namespace;
    this.#context = context;
    this.#ways = new CaptureWays(context);
    namespace.on('connection', (socket) => this.#connected(socket, socket.data['claims'] as CaptureClaims));
    context.hub.on('media', (event) => {
      if (event.type === 'angle.changed')
        this.#tell(event.operationId, event.state.angleId, 'angle', { operationId: event.operationId, state: event.state });
      else if (event.type === 'mark' && event.mark.angleId !== null)
        this.#tellAll(event.operationId, event.mark.angleId, 'mark', { operationId: event.operationId, mark: event.mark });
      else if (event.type === 'message')
        this.#tellAll(event.operationId, event.message.angleId, 'message', { operationId: event.operationId, message: event.message });
      else if (event.type === 'talk')
        this.#tellAll(event.operationId, event.talk?.angleId ?? null, 'talk', { operationId: event.operationId, talk: event.talk });
      else if (event.type === 'operation.ended') this.#dismissAll(event.operationId);
      else if (event.type === 'peer.closed') this.#peerClosed(event.peerId, event.reason);
    });
    context.hub.on('takeover', ({ sessionHash }, decision) => {
      this.#namespace.to(sessionRoom(sessionHash)).emit('takeover', { decision } satisfies HubEvents['takeover']);
    });
    context.hub.on('shots', (operationId, list) => this.#tellAll(operationId, null, 'shots', { operationId, list: forPhones(list) }));
    context.hub.on('revoked', (linkHashes) => this.#dismiss(({ linkHash }) => linkHashes.includes(linkHash), 'revoked'));
    context.hub.on('shutOut', (shutOut) => this.#dismiss(({ sessionHash }) => sessionHash === shutOut, 'device-revoked'));
  }

  #connected(socket: Socket, claims: CaptureClaims): void {
    const { operationId, angleId } = claims;
    const membership = new Membership(claims.sessionHash);
    const seatKey = key(operationId, angleId);
    const { hub } = this.#context;
    void socket.join([seatKey, operationId, sessionRoom(claims.sessionHash)]);
    answer(
      socket,
      captureRequests,
      {
        ...sharedRequests(this.#context, membership),
        ...captureMarks(this.#context, claims),
        ...this.#ways.requests(claims),
        join: async ({ peerId: wanted }) => {
          const peerId = peerName(claims.sessionHash, operationId, wanted);
          await this.#claim(seatKey, { socket, claims, membership }, peerId);
          const joined = await joinPeer(this.#context, membership, peerId, operationId);
          const { angles, marks, messages } = await hub.view(operationId);
          const angle = angles.find((candidate) => candidate.angleId === angleId);
          if (!angle) throw new HubError('not_found', 'the angle is gone', { field: 'angleId' });
          const mine = (each: { angleId: string | null }): boolean => each.angleId === angleId;
          const { talk } = await hub.media.request('talkState', { operationId });
          return {
            ...joined,
            angle,
            talk: talk && (talk.angleId === null || mine(talk)) ? talk : null,
            marks: marks.filter(mine).slice(-RECENT),
            messages: messages.filter((each) => mine(each) || each.angleId === null).slice(-RECENT),
          };
        },
        produce: async ({ transportId, kind, rtpParameters }) => {
          const { peerId } = membership.get();
          const device = await this.#deviceOf(claims.sessionHash);
          return hub.media.request('produce', { peerId, transportId, angleId, kind, rtpParameters, ...(device ? { device } : {}) });
        },
        setPaused: ({ producerId, paused }) =>
          hub.media.request('setProducerPaused', { peerId: membership.get().peerId, producerId, paused }),
        askTakeover: () => this.#askTakeover(claims),
        withdrawTakeover: async () => {
          hub.takeovers.withdraw(claims.sessionHash);
          return {};
        },
        stop: async () => {
          const closed = await hub.media.request('closePeer', { peerId: membership.get().peerId, reason: 'stopped-by-operator' });
          await this.#noteJoined(claims.sessionHash, null);
          return closed;
        },
        reportClock: async ({ offsetMs, roundTripMs }) => {
          this.#context.log.debug({ operationId, angleId, offsetMs, roundTripMs }, 'phone clock');
          return hub.media.request('noteClock', { peerId: membership.get().peerId, offsetMs, roundTripMs });
        },
      },
      this.#context,
      () => Promise.resolve(), // its link is its right, looked at when it connected; revoked, it is disconnected
    );
    socket.on('disconnect', () => {
      if (!this.#namespace.adapter.rooms.has(sessionRoom(claims.sessionHash))) this.#ways.forget(claims.sessionHash);
      this.#left(seatKey, socket);
    });
  }

  async #claim(seatKey: string, seat: Seat, peerId: string): Promise<void> {
    const { hub } = this.#context;
    const { sessionHash } = seat.claims;
    if (await this.#inUse(seat.claims)) {
      if (!hub.takeovers.redeem(sessionHash, seat.claims.angleId))
        throw new HubError('conflict', 'another device films this angle', { field: seat.claims.wide ? 'taken' : 'in-use' });
      await this.#handOver(seatKey, seat.claims);
    }
    await this.#noteJoined(sessionHash, hub.nowMs());
    // it may have filmed another angle before: that one is free, and whoever takes it must not end this one
    for (const [otherKey, other] of this.#seats)
      if (otherKey !== seatKey && other.claims.sessionHash === sessionHash) this.#seats.delete(otherKey);
    const present = this.#seats.get(seatKey);
    if (present && present.socket !== seat.socket && present.membership.peerId !== peerId) {
      if (present.membership.peerId) this.#close(present.membership.peerId, 'replaced');
      present.socket.emit('dismissed', { reason: 'replaced' } satisfies HubEvents['dismissed']);
      present.socket.disconnect(true);
    }
    this.#seats.set(seatKey, seat);
  }

  /** A store that cannot be read keeps nobody from filming. */
  #deviceOf(sessionHash: string): Promise<string> {
    return deviceOfSession(this.#context.store, sessionHash).catch(() => '');
  }

  async #inUse({ operationId, angleId, sessionHash }: CaptureClaims): Promise<AngleInUse | null> {
    const inUse = await AnglesInUse.read(this.#context, await this.#context.hub.view(operationId));
    return inUse.byOther(angleId, sessionHash);
  }

  async #askTakeover(claims: CaptureClaims): Promise<Takeover> {
    const { operationId, angleId, sessionHash } = claims;
    const inUse = await this.#inUse(claims);
    if (!inUse) throw new HubError('conflict', 'nobody films this angle: it can be had at once', { field: 'free' });
    if (inUse.kind === 'camera') throw new HubError('forbidden', 'a camera films this angle', { field: 'angleId' });
    const device = await this.#deviceOf(sessionHash);
    return this.#context.hub.takeovers.ask({ operationId, angleId, sessionHash, device, from: inUse.device });
  }

  /** A commander has given the angle to another device: who filmed it is told so, and its take ends. */
  async #handOver(seatKey: string, { operationId, angleId, sessionHash }: CaptureClaims): Promise<void> {
    const present = this.#seats.get(seatKey);
    this.#seats.delete(seatKey);
    const device = await this.#deviceOf(sessionHash);
    // first, else the page that is told closes its own way, and its take would end as a connection lost
    await this.#context.hub.media.request('replaceSource', { operationId, angleId }).catch((error: unknown) => {
      if (present) this.#seats.set(seatKey, present); // it goes on
      throw error;
    });
    present?.socket.emit('dismissed', { reason: 'handed-over', device } satisfies HubEvents['dismissed']);
    if (present) await this.#noteJoined(present.claims.sessionHash, null);
    present?.socket.disconnect(true);
  }

  /** Nor does one that cannot be written. */
  async #noteJoined(sessionHash: string, joinedMs: number | null): Promise<void> {
    await noteJoined(this.#context.store, sessionHash, joinedMs).catch((error: unknown) =>
      this.#context.log.warn({ reason: messageOf(error) }, 'who films was not stored'),
    );
  }

  /** Signalling is gone; media may well go on. Only when both are is the phone given up. */
  #left(seatKey: string, socket: Socket): void {
    const seat = this.#seats.get(seatKey);
    if (seat?.socket !== socket) return;
    setTimeout(() => {
      if (this.#seats.get(seatKey) !== seat || !seat.membership.peerId) return;
      void this.#context.hub.view(seat.claims.operationId).then(
        (view) => {
          const angle = view.angles.find((candidate) => candidate.angleId === seat.claims.angleId);
          if (angle?.status !== 'recording' && seat.membership.peerId) this.#close(seat.membership.peerId, 'connection-lost');
        },
        (error: unknown) => this.#context.log.warn({ reason: messageOf(error) }, 'abandoned phone'),
      );
    }, ABANDONED_MS).unref();
  }

  #peerClosed(peerId: string, reason: string): void {
    for (const [seatKey, seat] of this.#seats) {
      if (seat.membership.peerId !== peerId || reason === 'operation-ended') continue;
      if (reason === 'replaced') {
        // an encoder took the angle over: who comes back at once would take it back
        seat.socket.emit('dismissed', { reason } satisfies HubEvents['dismissed']);
        this.#seats.delete(seatKey);
      } else seat.socket.emit('peer-closed', { reason } satisfies HubEvents['peer-closed']);
    }
  }

  /** Whoever is connected with a right that is gone, whether it films or not. */
  #dismiss(gone: (claims: CaptureClaims) => boolean, reason: HubEvents['dismissed']['reason']): void {
    for (const [seatKey, seat] of this.#seats) {
      if (!gone(seat.claims)) continue;
      this.#seats.delete(seatKey);
      if (seat.membership.peerId) this.#close(seat.membership.peerId, 'connection-lost');
    }
    for (const socket of this.#namespace.sockets.values()) {
      if (!gone(socket.data['claims'] as CaptureClaims)) continue;
      socket.emit('dismissed', { reason } satisfies HubEvents['dismissed']);
      socket.disconnect(true);
    }
  }

  #dismissAll(operationId: string): void {
    for (const [seatKey, seat] of this.#seats) {
      if (seat.claims.operationId !== operationId) continue;
      seat.socket.emit('dismissed', { reason: 'operation-ended' } satisfies HubEvents['dismissed']);
      this.#seats.delete(seatKey);
    }
  }

  #tell<K extends keyof HubEvents>(operationId: string, angleId: string, name: K, value: HubEvents[K]): void {
    this.#seats.get(key(operationId, angleId))?.socket.emit(name, value);
  }

  /** Tell every device with a link to this angle, or (null) to any of the operation, whether it films or not. */
  #tellAll<K extends keyof HubEvents>(operationId: string, angleId: string | null, name: K, value: HubEvents[K]): void {
    this.#namespace.to(angleId === null ? operationId : key(operationId, angleId)).emit(name, value);
  }

  #close(peerId: string, reason: 'connection-lost' | 'replaced'): void {
    this.#context.hub.media
      .request('closePeer', { peerId, reason })
      .catch((error: unknown) => this.#context.log.warn({ reason: messageOf(error) }, 'peer not closed'));
  }
}

const sessionRoom = (sessionHash: string): string => `session ${sessionHash}`;
const key = (operationId: string, angleId: string): string => `${operationId}/${angleId}`;
