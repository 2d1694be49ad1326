import type { Device, types } from 'mediasoup-client';
import type { ConsoleRequests } from '../../server/protocol/socket.ts';
import { deviceFor } from './device.ts';
import { newPeerId, type Signalling } from './signalling.ts';

/** A commander's voice is no evidence of the scene: it may be cleaned, and must not carry the scene's sound back to it. */
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Sends a commander's voice to operators, while a button is held. Microphone and way are kept from one time to the next. */
export class Talker {
  readonly #signalling: Signalling<ConsoleRequests>;
  #device: Device | null = null;
  #isJoined: () => void = () => undefined;
  /** Resolves once the operation has been joined: before that there is nothing to speak to. */
  readonly joined = new Promise<void>((resolve) => (this.#isJoined = resolve));
  #transport: types.Transport | null = null;
  #track: MediaStreamTrack | null = null;
  #producer: types.Producer | null = null;
  #wanted: Pick<{ talkId: string; angleId: string | null }, 'talkId' | 'angleId'> | null = null;

  constructor(signalling: Signalling<ConsoleRequests>) {
    this.#signalling = signalling;
  }

  /** What the hub can receive, whenever it was joined anew: the way before is gone. */
  async reset(rtpCapabilities: Record<string, unknown>): Promise<void> {
    this.#drop();
    const device = await deviceFor(rtpCapabilities);
    this.#device = device;
    this.#isJoined();
  }

  /** Speak to one angle, or (null) to all. Resolves with the talk's id once the hub records it. Throws ApiFailure (`conflict` while another speaks) or the browser's error. */
  async start(angleId: string | null): Promise<string> {
    const track = await this.#microphone();
    const transport = await this.#way();
    const talkId = newPeerId();
    this.#wanted = { talkId, angleId };
    track.enabled = true;
    try {
      this.#producer = await transport.produce({ track, stopTracks: false, codecOptions: { opusDtx: false, opusFec: true } });
    } catch (error) {
      track.enabled = false;
      throw error;
    }
    return talkId;
  }

  async stop(): Promise<void> {
    if (this.#track) this.#track.enabled = false;
    const producer = this.#producer;
    this.#producer = null;
    if (!producer) return;
    producer.close();
    await this.#signalling.request('stopTalk', {});
  }

  close(): void {
    this.#drop();
    this.#track?.stop();
    this.#track = null;
  }

  #drop(): void {
    this.#producer?.close();
    this.#producer = null;
    this.#transport?.close();
    this.#transport = null;
  }

  async #microphone(): Promise<MediaStreamTrack> {
    if (this.#track?.readyState === 'live') return this.#track;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: VOICE });
    const [track] = stream.getAudioTracks();
    if (!track) throw new Error('there is no microphone');
    track.enabled = false;
    this.#track = track;
    return track;
  }

  async #way(): Promise<types.Transport> {
    const present = this.#transport;
    if (present && !present.closed && !['failed', 'disconnected'].includes(present.connectionState)) return present;
    if (!this.#device) throw new Error('the operation has not been joined');
    present?.close();
    const info = await this.#signalling.request('createTransport', { direction: 'send' });
    const transport = this.#device.createSendTransport(info as unknown as types.TransportOptions);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signalling.request('connectTransport', { transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ rtpParameters }, done, failed) => {
      const { talkId, angleId } = this.#wanted ?? { talkId: newPeerId(), angleId: null };
      this.#signalling
        .request('startTalk', { transportId: transport.id, talkId, angleId, rtpParameters })
        .then(({ producerId }) => done({ id: producerId }), failed);
    });
    this.#transport = transport;
    return transport;
  }
}
