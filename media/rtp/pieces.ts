import type { SlabPool } from './slabs.ts';

/**
 * What an access unit is made of, as views into its packets, until it is whole: then everything is copied once. Pieces
 * may be gathered into units (NAL units), which are stored with four-byte lengths (ISO/IEC 14496-15, 4.3.3.1).
 */
export class Pieces {
  /** Units to stand before all others. */
  front: readonly Buffer[] = [];
  readonly #lengths: boolean;
  readonly #bytes: Buffer[] = [];
  /** Piece i counts from this byte of it on. */
  readonly #from: number[] = [];
  /** After how many pieces each unit ends. */
  readonly #ends: number[] = [];

  /** With `lengths`, only what `endUnit` was called for is stored, each unit with its length; else all pieces as they are. */
  constructor(lengths: boolean) {
    this.#lengths = lengths;
  }

  get count(): number {
    return this.#bytes.length;
  }

  add(bytes: Buffer, from: number): void {
    this.#bytes.push(bytes);
    this.#from.push(from);
  }

  /** Put another piece in the place of number `index`. */
  replace(index: number, bytes: Buffer, from: number): void {
    this.#bytes[index] = bytes;
    this.#from[index] = from;
  }

  /** Everything since the unit before is one unit. */
  endUnit(): void {
    this.#ends.push(this.#bytes.length);
  }

  /** Forget all pieces but the first `count`; none of those forgotten may belong to an ended unit. */
  truncate(count: number): void {
    this.#bytes.length = count;
    this.#from.length = count;
  }

  clear(): void {
    this.truncate(0);
    this.#ends.length = 0;
    this.front = [];
  }

  /** Bytes in the pieces from number `first` on. */
  sizeFrom(first: number): number {
    let size = 0;
    for (let i = first; i < this.#bytes.length; i += 1) size += (this.#bytes[i] as Buffer).length - (this.#from[i] as number);
    return size;
  }

  /** The first bytes, `most` at most, of the pieces from number `first` on; a copy unless they lie in one piece. */
  peek(first: number, most: number): Buffer {
    const head = this.#bytes[first]?.subarray(this.#from[first]) ?? Buffer.alloc(0);
    if (head.length >= most || first + 1 >= this.#bytes.length) return head.subarray(0, most);
    const out = Buffer.allocUnsafe(most);
    let at = 0;
    for (let i = first; i < this.#bytes.length && at < most; i += 1) at += (this.#bytes[i] as Buffer).copy(out, at, this.#from[i]);
    return out.subarray(0, at);
  }

  /** Take `count` bytes away from the front of the pieces from number `first` on. */
  drop(first: number, count: number): void {
    let left = count;
    for (let i = first; i < this.#bytes.length && left > 0; i += 1) {
      const here = Math.min(left, (this.#bytes[i] as Buffer).length - (this.#from[i] as number));
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
    let at = 0;
    for (let i = 0; i < this.#bytes.length; i += 1) at += (this.#bytes[i] as Buffer).copy(data, at, this.#from[i]);
    return data;
  }

  #lengthPrefixed(memory: SlabPool): Buffer {
    const [pieces, from, front] = [this.#bytes, this.#from, this.front];
    let size = 4 * (front.length + this.#ends.length) + this.sizeFrom(0);
    for (const unit of front) size += unit.length;
    const data = memory.take(size);
    let at = 0;
    for (const unit of front) at += unit.copy(data, data.writeUInt32BE(unit.length, at)) + 4;
    let i = 0;
    for (const end of this.#ends) {
      const lengthAt = at;
      at += 4;
      for (; i < end; i += 1) at += (pieces[i] as Buffer).copy(data, at, from[i]);
      data.writeUInt32BE(at - lengthAt - 4, lengthAt);
    }
    return data;
  }
}
