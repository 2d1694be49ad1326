import { createCipheriv, randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { DtlsClient, keyLength, ProtectionProfileAeadAes128Gcm, RTCDtlsTransport, saltLength, SrtcpSession, SrtpSession } from 'werift';
import type { TransportInfo } from './hub-socket.ts';
import { bindingRequest, isBindingSuccess } from './stun.ts';

const CONSENT_MS = 4000;
const RETRY_MS = 100;
const PROFILE = ProtectionProfileAeadAes128Gcm;

export type DtlsParameters = { role: 'client'; fingerprints: { algorithm: string; value: string }[] };
type Keys = { rtp: Buffer; salt: Buffer };

/**
 * One end of WebRTC against the hub's, as small as it can be, so that many fit into a process: ICE towards one known
 * address, DTLS by werift, SRTP by AEAD_AES_128_GCM (RFC 7714). What comes is handed on as it came, encrypted.
 */
export class WebRtcEnd {
  readonly local: DtlsParameters;
  readonly #socket: Socket;
  #received: (packet: Buffer) => void = () => undefined;
  #keys: Keys | null = null;
  #srtcp: SrtcpSession | null = null;
  /** Of each SSRC that is sent: its last sequence number, and how often they have run over (RFC 3711, 3.3.1). */
  readonly #rollover = new Map<number, { last: number; count: number }>();
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
      if (first >= 64) this.#received(bytes);
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
    this.#keys = { rtp: localContext.srtpSessionKey, salt: localContext.srtpSessionSalt };
    this.#srtcp = new SrtcpSession({ keys, profile: PROFILE });
  }

  /** One RTP packet of a header of 12 bytes, and its payload; encrypted here (RFC 7714, 8). */
  sendRtp(packet: Buffer): void {
    const keys = this.#keys;
    if (!keys) return;
    const header = packet.subarray(0, 12);
    const iv = Buffer.alloc(12);
    header.copy(iv, 2, 8, 12);
    iv.writeUInt32BE(this.#rolledOver(header.readUInt32BE(8), header.readUInt16BE(2)), 6);
    header.copy(iv, 10, 2, 4);
    for (let i = 0; i < 12; i += 1) iv[i] = (iv[i] as number) ^ (keys.salt[i] as number);
    const cipher = createCipheriv('aes-128-gcm', keys.rtp, iv);
    cipher.setAAD(header);
    const hidden = cipher.update(packet.subarray(12));
    cipher.final();
    this.#socket.send([header, hidden, cipher.getAuthTag()]);
  }

  sendRtcp(packet: Buffer): void {
    if (this.#srtcp) this.#socket.send(this.#srtcp.encrypt(packet));
  }

  #rolledOver(ssrc: number, sequence: number): number {
    const known = this.#rollover.get(ssrc) ?? { last: sequence, count: 0 };
    if (sequence < known.last && known.last - sequence > 0x8000) known.count += 1;
    known.last = sequence;
    this.#rollover.set(ssrc, known);
    return known.count;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}
