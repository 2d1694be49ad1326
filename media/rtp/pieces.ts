import type { SlabPool } from './slabs.ts';

const FIRST_BYTES = 16 * 1024;
/** Memory for a larger access unit is not kept for the next. */
const KEEP_BYTES = 512 * 1024;

/**
 * What an access unit is made of, copied out of its packets (whose memory is used for others), until it is whole. Pieces
 * may be gathered into units (NAL units), which are stored with four-byte lengths (ISO/IEC 14496-15, 4.3.3.1).
 */
export class Pieces {
  /** Units to stand before all others. */
  front: readonly Buffer[] = [];
  readonly #lengths: boolean;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #used = 0;
  /** Where piece i begins and ends in `#bytes`. */
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  /** After how many pieces each unit ends. */
  readonly #ends: number[] = [];

  /** With `lengths`, only what `endUnit` was called for is stored, each unit with its length; else all pieces as they are. */
  constructor(lengths: boolean) {
    this.#lengths = lengths;
  }

  get count(): number {
    return this.#from.length;
  }

  /** Add the bytes from number `from` on. */
  add(bytes: Buffer, from: number): void {
    this.#from.push(this.#used);
    this.#append(bytes, from);
    this.#to.push(this.#used);
  }

  /** Put another piece in the place of number `index`. */
  replace(index: number, bytes: Buffer, from: number): void {
    this.#from[index] = this.#used;
    this.#append(bytes, from);
    this.#to[index] = this.#used;
  }

  /** Everything since the unit before is one unit. */
  endUnit(): void {
    this.#ends.push(this.count);
  }

  /** Forget all pieces but the first `count`; none of those forgotten may belong to an ended unit. */
  truncate(count: number): void {
    this.#from.length = count;
    this.#to.length = count;
  }

  clear(): void {
    this.truncate(0);
    this.#ends.length = 0;
    this.#used = 0;
    this.front = [];
    if (this.#bytes.length > KEEP_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Bytes in the pieces from number `first` on. */
  sizeFrom(first: number): number {
    let size = 0;
    for (let i = first; i < this.count; i += 1) size += (this.#to[i] as number) - (this.#from[i] as number);
    return size;
  }

  /** A copy of the first bytes, `most` at most, of the pieces from number `first` on. */
  peek(first: number, most: number): Buffer {
    const out = Buffer.allocUnsafe(Math.min(most, this.sizeFrom(first)));
    let at = 0;
    for (let i = first; at < out.length; i += 1) at += this.#bytes.copy(out, at, this.#from[i], this.#to[i]);
    return out;
  }

  /** Take `count` bytes away from the front of the pieces from number `first` on. */
  drop(first: number, count: number): void {
    let left = count;
    for (let i = first; i < this.count && left > 0; i += 1) {
      const here = Math.min(left, (this.#to[i] as number) - (this.#from[i] as number));
      (this.#from[i] as number) += here;
      left -= here;
    }
  }

  /** The access unit, in memory of the pool. */
  write(memory: SlabPool): Buffer {
    return this.#lengths ? this.#lengthPrefixed(memory) : this.#plain(memory);
  }

  #plain(memory: SlabPool): Buffer {
    const data = memory.take(this.sizeFrom(0));
    this.#copy(0, this.count, data, 0);
    return data;
  }

  #lengthPrefixed(memory: SlabPool): Buffer {
    let size = 4 * (this.front.length + this.#ends.length) + this.sizeFrom(0);
    for (const unit of this.front) size += unit.length;
    const data = memory.take(size);
    let at = 0;
    for (const unit of this.front) at += unit.copy(data, data.writeUInt32BE(unit.length, at)) + 4;
    let first = 0;
    for (const end of this.#ends) {
      const to = this.#copy(first, end, data, at + 4);
      data.writeUInt32BE(to - at - 4, at);
      at = to;
      first = end;
    }
    return data;
  }

  /** Copy pieces to `data`, those that lie one behind the other in one go. Returns where they end. */
  #copy(first: number, end: number, data: Buffer, start: number): number {
    let at = start;
    for (let i = first; i < end;) {
      const from = this.#from[i];
      let to = this.#to[i];
      for (i += 1; i < end && this.#from[i] === to; i += 1) to = this.#to[i];
      at += this.#bytes.copy(data, at, from, to);
    }
    return at;
  }

  #append(bytes: Buffer, from: number): void {
    const needed = this.#used + bytes.length - from;
    if (needed > this.#bytes.length) {
      const longer = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
      this.#bytes.copy(longer, 0, 0, this.#used);
      this.#bytes = longer;
    }
    this.#used += bytes.copy(this.#bytes, this.#used, from);
  }
}
