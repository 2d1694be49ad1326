import { HubError } from '../errors.ts';
import { parseAudioSpecificConfig } from './aac-config.ts';
import type { AccessUnit } from './access-unit.ts';
import { BitReader } from './bit-reader.ts';
import type { AudioConfig, Depacketizer } from './codec.ts';
import type { RtpPacket } from './packet.ts';
import type { SlabPool } from './slabs.ts';
import { SoundOutput } from './sound-output.ts';

/** Lengths in bits of the fields of AU headers (RFC 3640, 3.2.1 and 4.1). */
type HeaderFields = {
  size: number;
  index: number;
  indexDelta: number;
  cts: number;
  dts: number;
  random: boolean;
  state: number;
  auxiliary: number;
};
type OpenFrame = { timestamp: number; arrivalMs: number; size: number; pieces: Buffer[]; bytes: number; damaged: boolean };
type Frame = { size: number; index: number };

/** No AAC frame of up to 48 channels is larger (ISO/IEC 14496-3, 4.5.3: 6144 bits a channel). */
const MAX_FRAME_BYTES = 48 * 768;

/**
 * AAC (RFC 3640, 3.2 and 3.3.5, 3.3.6): one or several whole frames a packet, or a fragment of one. Frames after a packet's first
 * are stamped one frame's duration later each.
 */
export class AacDepacketizer implements Depacketizer {
  readonly config: AudioConfig;
  readonly #sound: SoundOutput;
  readonly #fields: HeaderFields;
  readonly #frameTicks: number;
  /** The frame whose fragments are coming in. */
  #open: OpenFrame | null = null;

  /** `parameters`: those of `fmtp`. Throws `bad_request` without a `config` that can be read, and for interleaved frames. */
  constructor(
    track: { clockRate: number; channels: number | null; parameters: Record<string, unknown> },
    output: (unit: AccessUnit) => void,
    memory: SlabPool,
  ) {
    const parameters = new Map(Object.entries(track.parameters).map(([name, value]) => [name.toLowerCase(), String(value)]));
    const config = Buffer.from(parameters.get('config') ?? '', 'hex');
    const { coreRate, sampleRate, channels, frameSamples } = readConfig(config);
    this.config = { codec: 'aac', sampleRate, channels: channels || (track.channels ?? 2), config };
    this.#fields = readFields(parameters);
    this.#frameTicks = Math.round((frameSamples * track.clockRate) / coreRate);
    this.#sound = new SoundOutput(output, memory);
  }

  push(packet: RtpPacket, lostBefore: number, restart: boolean): void {
    if (restart || this.#open?.timestamp !== packet.timestamp) this.#finish();
    if (lostBefore > 0 && this.#open) this.#open.damaged = true;
    this.#sound.note(lostBefore, restart);
    if (packet.payload.length === 0) return;
    const read = this.#readHeaders(packet.payload);
    const [first] = read?.frames ?? [];
    if (!read || !first) return;
    if (first.size > packet.payload.length - read.from) this.#fragment(packet, first.size, packet.payload.subarray(read.from));
    else this.#whole(packet, read.frames, read.from);
  }

  flush(): void {
    this.#finish();
  }

  #whole(packet: RtpPacket, frames: Frame[], from: number): void {
    this.#finish();
    let at = from;
    for (const { size, index } of frames) {
      if (size === 0 || at + size > packet.payload.length) return; // no frame, or one that is not whole among others
      const timestamp = (packet.timestamp + index * this.#frameTicks) >>> 0;
      this.#sound.unit(timestamp, packet.arrivalMs, [packet.payload.subarray(at, at + size)]);
      at += size;
    }
  }

  /** Every fragment of a frame says the whole frame's size (RFC 3640, 3.2.3). */
  #fragment(packet: RtpPacket, size: number, bytes: Buffer): void {
    if (size > MAX_FRAME_BYTES) return;
    this.#open ??= { timestamp: packet.timestamp, arrivalMs: packet.arrivalMs, size, pieces: [], bytes: 0, damaged: false };
    const open = this.#open;
    open.pieces.push(Buffer.from(bytes)); // outlives the packet it came in
    open.bytes += bytes.length;
    const fits = open.size === size && open.bytes <= size && bytes.length > 0;
    if (!fits) open.damaged = true;
    if (!fits || open.bytes === size || packet.marker) this.#finish();
  }

  /** Hand out the fragments that have come: a whole frame, or a damaged one. */
  #finish(): void {
    const open = this.#open;
    this.#open = null;
    if (open) this.#sound.unit(open.timestamp, open.arrivalMs, open.pieces, open.damaged || open.bytes < open.size);
  }

  /** AU header section and auxiliary section (RFC 3640, 3.2.1 and 3.2.2); null when they cannot be read. */
  #readHeaders(payload: Buffer): { frames: Frame[]; from: number } | null {
    const fields = this.#fields;
    try {
      const bits = new BitReader(payload);
      const headerBits = bits.bits(16);
      const end = bits.at + headerBits;
      const frames: Frame[] = [];
      let index = 0;
      while (bits.at < end) {
        const size = bits.bits(fields.size);
        const delta = bits.bits(frames.length === 0 ? fields.index : fields.indexDelta);
        if (frames.length > 0) index += delta + 1;
        if (fields.cts > 0 && bits.flag()) bits.skip(fields.cts);
        if (fields.dts > 0 && bits.flag()) bits.skip(fields.dts);
        bits.skip((fields.random ? 1 : 0) + fields.state);
        frames.push({ size, index });
      }
      if (bits.at !== end) return null;
      bits.skip((8 - (bits.at & 7)) & 7);
      if (fields.auxiliary > 0) bits.skip(bits.bits(fields.auxiliary));
      return { frames, from: Math.ceil(bits.at / 8) };
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return null;
    }
  }
}

function readConfig(config: Buffer): ReturnType<typeof parseAudioSpecificConfig> {
  try {
    return parseAudioSpecificConfig(config);
  } catch (cause) {
    throw new HubError('bad_request', 'AAC cannot be recorded without a valid "config" parameter (RFC 3640, 4.1)', {
      field: 'config',
      cause,
    });
  }
}

function readFields(parameters: ReadonlyMap<string, string>): HeaderFields {
  const lowBitRate = parameters.get('mode')?.toLowerCase() === 'aac-lbr';
  const length = (name: string, usual = 0): number => {
    const value = Number(parameters.get(name) ?? usual);
    if (!Number.isInteger(value) || value < 0 || value > 32)
      throw new HubError('bad_request', `"${name}" is no length in bits (RFC 3640, 4.1)`, { field: name });
    return value;
  };
  if (Number(parameters.get('maxdisplacement') ?? 0) > 0)
    throw new HubError('bad_request', 'interleaved AAC cannot be recorded', { field: 'maxdisplacement' });
  const size = length('sizelength', lowBitRate ? 6 : 13);
  if (size === 0) throw new HubError('bad_request', '"sizelength" is missing (RFC 3640, 4.1)', { field: 'sizelength' });
  return {
    size,
    index: length('indexlength', lowBitRate ? 2 : 3),
    indexDelta: length('indexdeltalength', lowBitRate ? 2 : 3),
    cts: length('ctsdeltalength'),
    dts: length('dtsdeltalength'),
    random: length('randomaccessindication') > 0,
    state: length('streamstateindication'),
    auxiliary: length('auxiliarydatasizelength'),
  };
}
