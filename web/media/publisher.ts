import type { types } from 'mediasoup-client';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { deviceFor } from './device.ts';
import { PathKeeper } from './path-keeper.ts';
import type { LayerCount, SendPlan } from './send-plan.ts';
import { readSent, type Sent } from './sent.ts';
import type { Signalling } from './signalling.ts';

const CAPTURE_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

/** Sends one camera and its microphone to the hub over one transport. */
export class Publisher {
  readonly #signalling: Signalling<CaptureRequests>;
  readonly #changed: (connected: boolean) => void;
  readonly #plan: (layers: LayerCount | null) => SendPlan;
  #transport: types.Transport | null = null;
  #path: PathKeeper | null = null;
  #producers = new Map<types.MediaKind, types.Producer>();

  /** `plan`: what to send; null for as many layers as it sees fit. */
  constructor(
    signalling: Signalling<CaptureRequests>,
    changed: (connected: boolean) => void,
    plan: (layers: LayerCount | null) => SendPlan,
  ) {
    this.#signalling = signalling;
    this.#plan = plan;
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
    const device = await deviceFor(rtpCapabilities, { forcedRtpExtensions: { [CAPTURE_TIME]: true } });
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
    transport.on('connectionstatechange', (state) => transport === this.#transport && this.#changed(state === 'connected'));
    this.#path = new PathKeeper(transport, (transportId) => this.#signalling.request('restartIce', { transportId }));
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
      const { encodings, startBitrateKbps } = this.#plan(null);
      const codec = preferredCodec(device.sendRtpCapabilities.codecs ?? []);
      this.#producers.set(
        'video',
        await transport.produce({
          track: video,
          stopTracks: false,
          encodings,
          codecOptions: { videoGoogleStartBitrate: startBitrateKbps },
          ...(codec ? { codec } : {}),
        }),
      );
    }
  }

  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    await this.#producers.get(track.kind as types.MediaKind)?.replaceTrack({ track });
  }

  /** The picture has another size: what is sent of it may take as much as that needs, in as many layers as before. */
  async adapt(): Promise<void> {
    const sender = this.#producers.get('video')?.rtpSender;
    const parameters = sender?.getParameters();
    if (!sender || !parameters) return;
    const { encodings } = this.#plan(parameters.encodings.length as LayerCount);
    parameters.encodings.forEach((encoding, i) => Object.assign(encoding, { maxBitrate: encodings[i]?.maxBitrate }));
    await sender.setParameters(parameters);
  }

  async setMuted(muted: boolean): Promise<void> {
    const producer = this.#producers.get('audio');
    if (!producer) return;
    if (muted) producer.pause();
    else producer.resume();
    await this.#signalling.request('setPaused', { producerId: producer.id, paused: muted });
  }

  /** What the encoder has really done, over all layers: the flags of a track say nothing after an interruption. */
  async sent(): Promise<Sent | null> {
    const stats = await this.#producers.get('video')?.getStats();
    return stats ? readSent([...stats.values()] as Record<string, unknown>[]) : null;
  }

  /** The way to the hub may have changed (Wi-Fi to mobile): look for it anew. */
  async restartIce(): Promise<void> {
    await this.#path?.restart();
  }

  /** Signalling is back: where the path to the hub is lost, look for it anew. */
  checkPath(): void {
    this.#path?.check();
  }

  close(): void {
    this.#transport?.close();
    this.#transport = null;
    this.#path = null;
    this.#producers.clear();
  }
}

/** H.264, which phones encode in hardware; VP8 only where there is none. */
function preferredCodec(codecs: types.RtpCodecCapability[]): types.RtpCodecCapability | undefined {
  const find = (mimeType: string) => codecs.find((codec) => codec.mimeType.toLowerCase() === mimeType);
  return find('video/h264') ?? find('video/vp8');
}
