import { AAC_RATES, parseAudioSpecificConfig } from '../../rtp/aac-config.ts';
import { isKeyNal, isSet, type PictureCodec, type StreamItem } from './items.ts';
import { PACKET_BYTES, STREAM_TYPE, SYNC } from './ts.ts';

const PIDS = { program: 0x1000, video: 0x100, audio: 0x101 } as const;
const START_CODE = Buffer.from([0, 0, 0, 1]);
const PES_ID = { video: 0xe0, audio: 0xc0 } as const;

/** Writes a stream as MPEG-TS (ISO/IEC 13818-1), for a program that reads from a pipe. Tables stand before each key frame, so that it may begin there. */
export class TsWriter {
  readonly #tables: Buffer[];
  readonly #counters = new Map<number, number>();
  #first = true;
  /** Parameter sets, which some containers give once only; a reader that comes later needs them too. */
  #sets: Buffer[] = [];

  /** What there is of each kind. */
  constructor({ video, audio }: { video: PictureCodec | null; audio: boolean }) {
    const streams: [number, number][] = [
      ...(video ? [[STREAM_TYPE[video], PIDS.video] as [number, number]] : []),
      ...(audio ? [[STREAM_TYPE.aac, PIDS.audio] as [number, number]] : []),
    ];
    const entries = streams.map(([type, pid]) => Buffer.from([type, 0xe0 | (pid >> 8), pid & 0xff, 0xf0, 0]));
    const clock = streams[0]?.[1] ?? PIDS.audio;
    this.#tables = [
      section(0x00, Buffer.from([0, 1, 0xe0 | (PIDS.program >> 8), PIDS.program & 0xff])),
      section(0x02, Buffer.concat([Buffer.from([0xe0 | (clock >> 8), clock & 0xff, 0xf0, 0]), ...entries])),
    ];
  }

  /** The packets for an item; none for one that is not of a known track. */
  write(item: StreamItem): Buffer {
    if (item.kind === 'unknown') return Buffer.alloc(0);
    const key = item.kind === 'video' && item.nals.some((nal) => isKeyNal(item.codec, nal));
    const body = item.kind === 'video' ? this.#picture(item, key) : adts(item.config, item.frame);
    if (body.length === 0) return body;
    const packets = key || this.#first ? this.#tables.map((table, i) => this.#packet(i === 0 ? 0 : PIDS.program, table, true)[0]) : [];
    this.#first = false;
    const pes = pesPacket(PES_ID[item.kind], item.ticks, body);
    for (let at = 0; at < pes.length;) {
      const [packet, taken] = this.#packet(PIDS[item.kind], pes.subarray(at), at === 0);
      packets.push(packet);
      at += taken;
    }
    return Buffer.concat(packets);
  }

  #picture({ codec, nals }: Extract<StreamItem, { kind: 'video' }>, key: boolean): Buffer {
    const sets = nals.filter((nal) => isSet(codec, nal));
    if (sets.length > 0) this.#sets = sets.map((nal) => Buffer.from(nal));
    if (sets.length === nals.length) return Buffer.alloc(0);
    const all = key && sets.length === 0 ? [...this.#sets, ...nals] : nals;
    return Buffer.concat(all.flatMap((nal) => [START_CODE, nal]));
  }

  /** One packet with as much of the payload as fits (2.4.3.2); an adaptation field fills it up. */
  #packet(pid: number, payload: Buffer, start: boolean): [packet: Buffer, taken: number] {
    const taken = Math.min(payload.length, PACKET_BYTES - 4);
    const stuffing = PACKET_BYTES - 4 - taken;
    const counter = this.#counters.get(pid) ?? 0;
    this.#counters.set(pid, (counter + 1) & 15);
    const packet = Buffer.alloc(PACKET_BYTES, 0xff);
    packet.set([SYNC, (start ? 0x40 : 0) | (pid >> 8), pid & 0xff, (stuffing > 0 ? 0x30 : 0x10) | counter]);
    if (stuffing > 0) packet[4] = stuffing - 1;
    if (stuffing > 1) packet[5] = 0;
    payload.copy(packet, PACKET_BYTES - taken, 0, taken);
    return [packet, taken];
  }
}

/** PES with a presentation time (2.4.3.6); without a length where it is too long for one. */
function pesPacket(id: number, ticks: number, body: Buffer): Buffer {
  const size = body.length + 8;
  const head = Buffer.from([0, 0, 1, id, 0, 0, 0x80, 0x80, 5, 0, 0, 0, 0, 0]);
  if (size <= 0xffff) head.writeUInt16BE(size, 4);
  head[9] = 0x21 | ((Math.floor(ticks / 2 ** 30) & 3) << 1);
  head[10] = (ticks / 2 ** 22) & 0xff;
  head[11] = 0x01 | ((ticks >>> 14) & 0xfe);
  head[12] = (ticks >>> 7) & 0xff;
  head[13] = 0x01 | ((ticks << 1) & 0xfe);
  return Buffer.concat([head, body]);
}

/** A table that fits into one packet, with the pointer before it (2.4.4). */
function section(id: number, content: Buffer): Buffer {
  const size = content.length + 5 + 4;
  const table = Buffer.concat([Buffer.from([id, 0xb0 | (size >> 8), size & 0xff, 0, 1, 0xc1, 0, 0]), content]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(table));
  return Buffer.concat([Buffer.from([0]), table, checksum, Buffer.alloc(Math.max(0, PACKET_BYTES - 4 - 1 - table.length - 4), 0xff)]);
}

/** CRC-32 of MPEG-2 (Annex A). */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

/** An AAC frame with its ADTS header (ISO/IEC 14496-3, 1.A.2.2.1); empty for what ADTS cannot say. */
function adts(config: Buffer, frame: Buffer): Buffer {
  try {
    const { coreRate, channels } = parseAudioSpecificConfig(config);
    const type = (config[0] ?? 0) >> 3;
    const profile = type >= 1 && type <= 4 ? type - 1 : 1; // with spectral band replication: the core, low complexity
    const rate = AAC_RATES.indexOf(coreRate);
    const size = frame.length + 7;
    const channelConfiguration = channels === 8 ? 7 : channels;
    if (rate < 0 || size > 0x1fff) return Buffer.alloc(0);
    const head = Buffer.from([
      0xff,
      0xf1,
      (profile << 6) | (rate << 2) | (channelConfiguration >> 2),
      ((channelConfiguration & 3) << 6) | (size >> 11),
      (size >> 3) & 0xff,
      ((size & 7) << 5) | 0x1f,
      0xfc,
    ]);
    return Buffer.concat([head, frame]);
  } catch {
    return Buffer.alloc(0);
  }
}
