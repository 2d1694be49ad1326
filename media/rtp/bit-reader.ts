import { HubError } from '../errors.ts';

/** Reads bits, most significant first, as the video and audio headers here have them. Throws `corrupt` at the end of the bytes. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBits: number;
  #at: number;

  /** Starts at byte `from`. */
  constructor(bytes: Uint8Array, from = 0) {
    this.#bytes = bytes;
    this.#endBits = bytes.length * 8;
    this.#at = from * 8;
  }

  /** Position, in bits from the first byte. */
  get at(): number {
    return this.#at;
  }

  /** An unsigned number of up to 48 bits. */
  bits(count: number): number {
    if (this.#at + count > this.#endBits) throw new HubError('corrupt', 'header ends too early');
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      value = value * 2 + (((this.#bytes[this.#at >> 3] as number) >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  skip(count: number): void {
    if (this.#at + count > this.#endBits) throw new HubError('corrupt', 'header ends too early');
    this.#at += count;
  }

  /** Exp-Golomb, unsigned (ITU-T H.264, 9.1; H.265, 9.2). */
  ue(): number {
    let zeros = 0;
    while (this.bits(1) === 0) {
      zeros += 1;
      if (zeros > 31) throw new HubError('corrupt', 'header: number too long');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Exp-Golomb, signed. */
  se(): number {
    const code = this.ue();
    return code & 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** A NAL unit's bytes without emulation prevention (ITU-T H.264, 7.4.1.1; H.265, 7.4.2). */
export function withoutEmulationPrevention(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}
