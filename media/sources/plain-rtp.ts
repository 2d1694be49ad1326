import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import { HubError, messageOf } from '../errors.ts';
import type { PlainReuse, PlainSource } from '../protocol/requests.ts';
import type { Log } from '../log.ts';
import { everyPunctual } from '../punctual.ts';
import { listenPlain, PAYLOAD, type PlainKind, type PlainPorts, type PlainTrack, portsOf } from './plain-track.ts';

export type PlainFacts = { sourceId: string; ip: string; reuse: PlainReuse | null };
export type PlainOwner = {
  /** Both tracks listen; whatever comes is this producer's. A HubError refuses it for now. */
  armed: (producers: types.Producer[]) => Promise<void>;
  /** How long no packet of it has come, milliseconds; null before the first. */
  idleMs: () => number | null;
  /** The sender fell silent: its producers are closed, new ones follow. */
  silent: () => void;
};

const POLL_MS = 500;
/** No packet on either track for so long, and the connection is taken for broken. */
const SILENT_MS = 2000;
/** One that could not be recorded is listened for anew so often: its sender may have changed meanwhile. */
const REFUSED_MS = 1500;
const BIND_RETRIES = 50;
/** A camera that answers no feedback just does not hear it; one that does (RFC 4585) mends losses and gives key frames. */
const FEEDBACK: types.RtcpFeedback[] = [
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
];

/**
 * Receives a camera's plain RTP (RFC 3550) and RTCP, each on a port of its own, from whoever sends first. A sender
 * that starts anew has new numbers which mediasoup would take for loss, so that silence re-arms both ports.
 */
export class PlainRtpSource {
  readonly #facts: PlainFacts;
  readonly #owner: PlainOwner;
  readonly #log: Log;
  #router: types.Router;
  #tracks: PlainTrack[] = [];
  /** Where this source listens; fixed once it has listened there. */
  #ports: Record<PlainKind, PlainPorts> | null;
  readonly #ssrcs: Record<PlainKind, number>;
  #timer: NodeJS.Timeout | null = null;
  #state: 'idle' | 'armed' | 'arming' | 'refused' | 'closed' = 'idle';
  #refusedMs = 0;
  #started: Promise<void> | null = null;

  constructor(router: types.Router, facts: PlainFacts, owner: PlainOwner, log: Log) {
    this.#router = router;
    this.#facts = facts;
    this.#owner = owner;
    this.#log = log;
    this.#ports = facts.reuse;
    this.#ssrcs = { video: facts.reuse?.video.ssrc ?? randomInt(1, 2 ** 31), audio: facts.reuse?.audio.ssrc ?? randomInt(1, 2 ** 31) };
  }

  get producers(): types.Producer[] {
    return this.#tracks.map((track) => track.producer);
  }

  /** Where to send. Throws before `start`. */
  get target(): PlainSource {
    const ports = this.#ports;
    if (!ports) throw new HubError('internal', 'the source has no ports yet');
    const { sourceId, ip } = this.#facts;
    const track = (kind: PlainKind): PlainSource['video'] => ({
      ...ports[kind],
      ssrc: this.#ssrcs[kind],
      payloadType: PAYLOAD[kind],
    });
    return { sourceId, ip, video: track('video'), audio: track('audio') };
  }

  /** Resolves when it listens, or has been closed before it did; whoever asks meanwhile waits for the same. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    await this.#arm();
    if (!this.#isClosed()) this.#timer = everyPunctual(POLL_MS, () => void this.#poll());
  }

  /** The worker is gone: listen again through this router. */
  async rehome(router: types.Router): Promise<void> {
    this.#router = router;
    this.#drop();
    await this.#arm();
  }

  close(): void {
    this.#state = 'closed';
    if (this.#timer) clearInterval(this.#timer);
    this.#drop();
  }

  #drop(): void {
    for (const { transport } of this.#tracks) transport.close();
    this.#tracks = [];
  }

  async #arm(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'arming';
    const video = await this.#listen('video');
    const audio = await this.#listen('audio');
    this.#tracks = [video, audio];
    if (this.#isClosed()) return this.#drop(); // meanwhile
    this.#ports = { video: portsOf(video), audio: portsOf(audio) };
    try {
      await this.#owner.armed(this.producers);
      if (!this.#isClosed()) this.#state = 'armed';
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (this.#refusedMs === 0) this.#log.warn({ sourceId: this.#facts.sourceId, reason: error.message }, 'camera refused, tried again');
      this.#refusedMs = performance.now();
      this.#state = 'refused';
      return;
    }
    this.#refusedMs = 0;
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  async #listen(kind: PlainKind): Promise<PlainTrack> {
    const ports = this.#ports?.[kind];
    const { ip, sourceId: cname } = this.#facts;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await listenPlain(this.#router, kind, { ip, ports, ssrc: this.#ssrcs[kind], cname, rtcpFeedback: FEEDBACK });
      } catch (error) {
        if (attempt >= BIND_RETRIES || this.#router.closed)
          throw new HubError('unavailable', `camera port ${ports?.port ?? ''}: ${messageOf(error)}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100)); // the socket before is still being closed
      }
    }
  }

  /** A sender that has fallen silent is dropped and waited for anew. */
  async #poll(): Promise<void> {
    const silent = this.#state === 'armed' && (this.#owner.idleMs() ?? 0) >= SILENT_MS;
    const again = this.#state === 'refused' && performance.now() - this.#refusedMs >= REFUSED_MS;
    if (!silent && !again) return;
    try {
      if (silent) this.#log.info({ sourceId: this.#facts.sourceId }, 'camera fell silent');
      this.#drop();
      if (silent) this.#owner.silent();
      await this.#arm();
    } catch (error) {
      if (this.#router.closed) return; // the worker died: the owner re-homes this source
      this.#log.error({ err: error, sourceId: this.#facts.sourceId }, 'camera source failed');
      this.#state = 'armed';
    }
  }
}
