import type { VideoConfig } from './codec.ts';
import type { Pieces } from './pieces.ts';
import type { PayloadFormat, Picture } from './unit-assembler.ts';
import { readDescriptor, readKeyFrameHeader, type Vp9Descriptor } from './vp9-headers.ts';

/** A superframe has no room for more (VP9 bitstream specification, annex B.2). */
const MAX_FRAMES = 8;

/**
 * VP9 payloads (RFC 9628, 4): the frames of one picture, one for each spatial layer, become one sample; several of them
 * one superframe with its index, as decoders want them (VP9 bitstream specification, annex B).
 */
export class Vp9Format implements PayloadFormat {
  readonly lengths = false;
  #config: Extract<VideoConfig, { codec: 'vp9' }> | null = null;
  /** The first piece of each frame of the open picture. */
  #frames: number[] = [];
  #frameOpen = false;
  #interPredicted = false;
  #size: Vp9Descriptor['size'] = null;

  get config(): VideoConfig | null {
    return this.#config;
  }

  payload(payload: Buffer, pieces: Pieces): boolean {
    const descriptor = readDescriptor(payload);
    if (descriptor.from >= payload.length) return false;
    let whole = true;
    if (descriptor.beginsFrame) {
      whole = !this.cut(pieces) && this.#frames.length < MAX_FRAMES;
      if (this.#frames.length === 0) this.#interPredicted = descriptor.interPredicted;
      if (whole) this.#frames.push(pieces.count);
      this.#frameOpen = whole;
    }
    if (!this.#frameOpen) return false; // its beginning is missing
    if (descriptor.size) this.#size = descriptor.size;
    pieces.add(payload, descriptor.from);
    if (descriptor.endsFrame) this.#frameOpen = false;
    return whole;
  }

  cut(pieces: Pieces): boolean {
    if (!this.#frameOpen) return false;
    pieces.truncate(this.#frames.pop() ?? 0);
    this.#frameOpen = false;
    return true;
  }

  end(pieces: Pieces, damaged: boolean): Picture | null {
    const frames = this.#frames;
    const size = this.#size;
    this.#frames = [];
    this.#size = null;
    if (frames.length === 0) return null;
    // some senders never set P: the frame itself knows
    const header = this.#interPredicted ? null : readKeyFrameHeader(pieces.peek(0, 16));
    if (header && !damaged) this.#refreshConfig({ codec: 'vp9', ...header, ...size });
    if (frames.length > 1) pieces.add(superframeIndex(frames.map((first, i) => sizeOf(pieces, first, frames[i + 1]))), 0);
    return { key: header !== null, leading: false };
  }

  /** The first packet of a frame in the lowest layer. */
  startsPicture(payload: Buffer): boolean {
    const { beginsFrame, spatialLayer } = readDescriptor(payload);
    return beginsFrame && spatialLayer === 0;
  }

  #refreshConfig(config: Extract<VideoConfig, { codec: 'vp9' }>): void {
    const old = this.#config;
    const same =
      old?.profile === config.profile &&
      old.bitDepth === config.bitDepth &&
      old.chroma === config.chroma &&
      old.fullRange === config.fullRange &&
      old.width === config.width &&
      old.height === config.height;
    if (!same) this.#config = config;
  }
}

function sizeOf(pieces: Pieces, first: number, next: number | undefined): number {
  return pieces.sizeFrom(first) - (next === undefined ? 0 : pieces.sizeFrom(next));
}

/** VP9 bitstream specification, annex B.3: the marker, the frames' sizes with their low byte first, the marker again. */
function superframeIndex(sizes: number[]): Buffer {
  const width = Math.max(1, Math.ceil((32 - Math.clz32(Math.max(...sizes))) / 8));
  const marker = 0xc0 | ((width - 1) << 3) | (sizes.length - 1);
  const index = Buffer.alloc(2 + width * sizes.length, marker);
  sizes.forEach((size, i) => index.writeUIntLE(size, 1 + i * width, width));
  return index;
}
