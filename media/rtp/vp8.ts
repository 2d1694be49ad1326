import type { VideoConfig } from './codec.ts';
import type { Pieces } from './pieces.ts';
import type { PayloadFormat, Picture } from './unit-assembler.ts';

/** VP8 payloads (RFC 7741, 4.2): the frame's bytes in a row, each packet with a descriptor before them. */
export class Vp8Format implements PayloadFormat {
  readonly lengths = false;
  #config: Extract<VideoConfig, { codec: 'vp8' }> | null = null;
  #begun = false;

  get config(): VideoConfig | null {
    return this.#config;
  }

  payload(payload: Buffer, pieces: Pieces): boolean {
    const from = descriptorBytes(payload);
    if (from >= payload.length) return false;
    const starts = this.startsPicture(payload);
    // a second frame under one timestamp, or a frame without its beginning
    const whole = starts !== this.#begun;
    this.#begun ||= starts;
    pieces.add(payload, from);
    return whole;
  }

  cut(): boolean {
    return false;
  }

  end(pieces: Pieces, damaged: boolean): Picture | null {
    if (!this.#begun) return null;
    this.#begun = false;
    const head = pieces.peek(0, 10);
    const key = ((head[0] ?? 1) & 1) === 0;
    if (key && !damaged) this.#refreshConfig(head);
    return { key, leading: false };
  }

  /** The start of the first partition (RFC 7741, 4.2: S and PID). */
  startsPicture(payload: Buffer): boolean {
    return ((payload[0] as number) & 0x17) === 0x10;
  }

  /** Size from a key frame's header (RFC 7741, 4.3; RFC 6386, 9.1). */
  #refreshConfig(head: Buffer): void {
    if (head.length < 10 || head.readUIntBE(3, 3) !== 0x9d012a) return;
    const [width, height] = [head.readUInt16LE(6) & 0x3fff, head.readUInt16LE(8) & 0x3fff];
    if (this.#config?.width !== width || this.#config.height !== height) this.#config = { codec: 'vp8', width, height };
  }
}

/** RFC 7741, 4.2 */
function descriptorBytes(payload: Buffer): number {
  if (!((payload[0] as number) & 0x80)) return 1;
  const extension = payload[1] ?? 0;
  let at = 2;
  if (extension & 0x80) at += (payload[at] ?? 0) & 0x80 ? 2 : 1; // PictureID
  if (extension & 0x40) at += 1; // TL0PICIDX
  if (extension & 0x30) at += 1; // TID, Y, KEYIDX
  return at;
}
