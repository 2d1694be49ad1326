import { Device, type types } from 'mediasoup-client';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import type { Signalling } from './signalling.ts';

const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';
const DISCONNECTED_MS = 2500;
/** One layer, or three of which the hub records the best that flows: on a thin uplink three cost quality. Lowest first. */
const ENCODINGS: Record<LayerCount, types.RtpEncodingParameters[]> = {
  1: [{ maxBitrate: 2_500_000 }],
  3: [
    { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { scaleResolutionDownBy: 2, maxBitrate: 600_000 },
    { scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
  ],
};

export type LayerCount = 1 | 3;

export type PublisherState = 'connecting' | 'connected' | 'disconnected' | 'closed';

/** Sends one camera and its microphone to the hub over one transport. */
export class Publisher {
  readonly #signalling: Signalling<CaptureRequests>;
  readonly #changed: (state: PublisherState) => void;
  readonly #layers: LayerCount;
  #transport: types.Transport | null = null;
  #producers = new Map<types.MediaKind, types.Producer>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signalling: Signalling<CaptureRequests>, changed: (state: PublisherState) => void, layers: LayerCount = 1) {
    this.#signalling = signalling;
    this.#layers = layers;
    this.#changed = changed;
  }

  get transportId(): string | null {
    return this.#transport?.id ?? null;
  }
  get producerIds(): string[] {
    return [...this.#producers.values()].map((producer) => producer.id);
  }

  /** Make a transport and send both tracks. Throws ApiFailure or the browser's own error. */
  async publish(rtpCapabilities: Record<string, unknown>, stream: MediaStream): Promise<void> {
    this.close();
    const device = await Device.factory({ forcedRtpExtensions: { [CAPTURE_TIME]: true } });
    await device.load({ routerRtpCapabilities: rtpCapabilities });
    const info = await this.#signalling.request('createTransport', { direction: 'send' });
    const transport = device.createSendTransport(info as unknown as types.TransportOptions);
    this.#transport = transport;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signalling.request('connectTransport', { transportId: transport.id, dtlsParameters: dtlsParameters }).then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters }, done, failed) => {
      this.#signalling
        .request('produce', { transportId: transport.id, kind, rtpParameters: rtpParameters })
        .then(({ producerId }) => done({ id: producerId }), failed);
    });
    transport.on('connectionstatechange', (state) => this.#connection(transport, state));
    const [audio] = stream.getAudioTracks();
    const [video] = stream.getVideoTracks();
    if (audio) {
      this.#producers.set(
        'audio',
        await transport.produce({
          track: audio,
          stopTracks: false,
          codecOptions: { opusDtx: false, opusFec: true, opusStereo: false },
          zeroRtpOnPause: true,
        }),
      );
    }
    if (video) {
      video.contentHint = 'motion';
      const codec = device.sendRtpCapabilities.codecs?.find((candidate) => candidate.mimeType.toLowerCase() === 'video/h264');
      this.#producers.set(
        'video',
        await transport.produce({
          track: video,
          stopTracks: false,
          encodings: ENCODINGS[this.#layers],
          codecOptions: { videoGoogleStartBitrate: 1500 },
          ...(codec ? { codec } : {}),
        }),
      );
    }
  }

  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.#producers.get(track.kind as types.MediaKind)?.replaceTrack({ track });
  }

  async setMuted(muted: boolean): Promise<void> {
    const producer = this.#producers.get('audio');
    if (!producer) return;
    if (muted) producer.pause();
    else producer.resume();
    await this.#signalling.request('setPaused', { producerId: producer.id, paused: muted });
  }

  /** What the encoder has really done, over all layers: the flags of a track say nothing after an interruption. */
  async sent(): Promise<{ framesEncoded: number; bytes: number } | null> {
    const stats = await this.#producers.get('video')?.getStats();
    const sent = { framesEncoded: 0, bytes: 0 };
    stats?.forEach((entry: { type: string; framesEncoded?: number; bytesSent?: number }) => {
      if (entry.type !== 'outbound-rtp') return;
      sent.framesEncoded += entry.framesEncoded ?? 0;
      sent.bytes += entry.bytesSent ?? 0;
    });
    return stats ? sent : null;
  }

  /** The way to the hub may have changed (Wi-Fi to mobile): look for it anew. */
  async restartIce(): Promise<void> {
    const transport = this.#transport;
    if (!transport || transport.closed) return;
    const { iceParameters, iceServers } = await this.#signalling.request('restartIce', { transportId: transport.id });
    await transport.updateIceServers({ iceServers: iceServers as RTCIceServer[] });
    await transport.restartIce({ iceParameters: iceParameters as types.IceParameters });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#transport?.close();
    this.#transport = null;
    this.#producers.clear();
  }

  #connection(transport: types.Transport, state: types.ConnectionState): void {
    if (transport !== this.#transport) return;
    clearTimeout(this.#timer);
    if (state === 'connected') this.#changed('connected');
    else if (state === 'connecting') this.#changed('connecting');
    else if (state === 'closed') this.#changed('closed');
    else if (state === 'disconnected' || state === 'failed') {
      this.#changed('disconnected');
      this.#timer = setTimeout(() => void this.restartIce().catch(() => undefined), state === 'failed' ? 0 : DISCONNECTED_MS);
    }
  }
}
