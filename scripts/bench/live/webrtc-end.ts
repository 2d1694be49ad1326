import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { DtlsClient, keyLength, ProtectionProfileAeadAes128Gcm, RTCDtlsTransport, saltLength, SrtcpSession, SrtpSession } from 'werift';
import type { TransportInfo } from './hub-socket.ts';
import { bindingRequest, isBindingSuccess } from './stun.ts';

const CONSENT_MS = 4000;
const RETRY_MS = 100;
const PROFILE = ProtectionProfileAeadAes128Gcm;

export type DtlsParameters = { role: 'client'; fingerprints: { algorithm: string; value: string }[] };
/** With which RTP is sent: AEAD_AES_128_GCM (RFC 7714). */
export type SrtpKeys = { rtp: Buffer; salt: Buffer };

/**
 * One end of WebRTC against the hub's, as small as it can be, so that many fit into a process: ICE towards one known
 * address, DTLS by werift. RTP is sent by whoever has its keys and its socket; what comes is handed on as it came, encrypted.
 */
export class WebRtcEnd {
  readonly local: DtlsParameters;
  readonly #socket: Socket;
  #received: (packet: Buffer) => void = () => undefined;
  #feedback: ((packet: Buffer) => void) | null = null;
  #keys: SrtpKeys | null = null;
  #srtcp: SrtcpSession | null = null;
  #timer: NodeJS.Timeout | undefined;

  private constructor(local: DtlsParameters, socket: Socket) {
    this.local = local;
    this.#socket = socket;
  }

  static async make(): Promise<WebRtcEnd> {
    const certificate = await RTCDtlsTransport.SetupCertificate();
    const fingerprints = certificate.getFingerprints().map(({ algorithm, value }) => ({ algorithm, value }));
    const socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20, recvBufferSize: 4 << 20 });
    socket.on('error', () => undefined); // a hub that is gone refuses
    return new WebRtcEnd({ role: 'client', fingerprints }, socket);
  }

  /** For a process that sends RTP on this socket. Throws before `connect` has resolved. */
  get sender(): { fd: number; keys: SrtpKeys } {
    const { fd } = (this.#socket as unknown as { _handle: { fd: number } })._handle; // what a child is given to inherit
    if (!this.#keys) throw new Error('not connected');
    return { fd, keys: this.#keys };
  }

  /** Compound RTCP packets from the hub, in clear. */
  onFeedback(feedback: (packet: Buffer) => void): void {
    this.#feedback = feedback;
  }

  /** What comes from the hub, RTP and RTCP, still encrypted; RTP's header is in clear. */
  onPacket(received: (packet: Buffer) => void): void {
    this.#received = received;
  }

  /** ICE, DTLS and the keys. `transport` is what the hub made for us; it has to know `local` soon. */
  async connect(transport: TransportInfo): Promise<void> {
    const candidate = transport.iceCandidates.find(({ protocol }) => protocol === 'udp');
    if (!candidate) throw new Error('the hub offers no UDP');
    const { usernameFragment, password } = transport.iceParameters;
    const user = `${usernameFragment}:${randomBytes(4).toString('hex')}`;
    const check = (): void => this.#socket.send(bindingRequest(user, password));
    let checked: () => void = () => undefined;
    const alive = new Promise<void>((resolve) => (checked = resolve));
    const dtls = await this.#dtlsClient();
    this.#socket.on('message', (bytes) => {
      const first = bytes[0] ?? 0; // RFC 7983, 7
      if (first >= 64) this.#media(bytes);
      else if (first >= 20) dtls.received(bytes);
      else if (first < 4 && isBindingSuccess(bytes)) checked();
    });
    await new Promise<void>((resolve) => this.#socket.connect(candidate.port, candidate.address, resolve));
    const retry = setInterval(check, RETRY_MS);
    check();
    await alive;
    clearInterval(retry);
    this.#timer = setInterval(check, CONSENT_MS); // consent (RFC 7675)
    await dtls.connect();
  }

  #media(bytes: Buffer): void {
    this.#received(bytes);
    if (this.#feedback && this.#srtcp && isRtcp(bytes)) this.#feedback(this.#srtcp.decrypt(bytes));
  }

  async #dtlsClient(): Promise<{ received: (bytes: Buffer) => void; connect: () => Promise<void> }> {
    const { certPem, privateKey, signatureHash } = await RTCDtlsTransport.SetupCertificate();
    const transport = {
      type: 'udp',
      closed: false,
      address: this.#socket,
      onData: (() => undefined) as (bytes: Buffer) => void,
      send: (bytes: Buffer): Promise<void> => Promise.resolve(this.#socket.send(bytes)),
      close: (): Promise<void> => Promise.resolve(),
    };
    const client = new DtlsClient({
      cert: certPem,
      key: privateKey,
      signatureHash,
      transport: transport as unknown as ConstructorParameters<typeof DtlsClient>[0]['transport'],
      srtpProfiles: [PROFILE],
      extendedMasterSecret: true,
    });
    const connect = async (): Promise<void> => {
      const done = new Promise<void>((resolve, reject) => {
        client.onConnect.once(() => resolve());
        client.onError.once(reject);
      });
      await client.connect();
      await done;
      this.#take(client);
    };
    return { received: (bytes) => transport.onData(bytes), connect };
  }

  #take(client: DtlsClient): void {
    const { localKey, localSalt, remoteKey, remoteSalt } = client.extractSessionKeys(keyLength(PROFILE), saltLength(PROFILE));
    const keys = { localMasterKey: localKey, localMasterSalt: localSalt, remoteMasterKey: remoteKey, remoteMasterSalt: remoteSalt };
    const { localContext } = new SrtpSession({ keys, profile: PROFILE });
    this.#keys = { rtp: localContext.srtpSessionKey, salt: localContext.srtpSessionSalt.subarray(0, saltLength(PROFILE)) };
    this.#srtcp = new SrtcpSession({ keys, profile: PROFILE });
  }

  sendRtcp(packet: Buffer): void {
    if (this.#srtcp) this.#socket.send(this.#srtcp.encrypt(packet));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}

/** RTP and RTCP share a port (RFC 5761, 4). */
export function isRtcp(packet: Buffer): boolean {
  const type = packet[1] as number;
  return type >= 192 && type <= 223;
}
