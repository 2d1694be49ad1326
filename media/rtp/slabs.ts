const SLAB_BYTES = 128 * 1024;
/** Larger pieces than this get memory of their own. */
const MAX_PIECE_BYTES = SLAB_BYTES / 2;
/** Empty slabs kept for reuse. */
const KEEP = 16;

type Slab = { bytes: Buffer; used: number; live: number };

/**
 * Memory for frames between their arrival and the disk, used over and over: a buffer of its own for each would live
 * just long enough to be moved to the old generation, and the garbage collector would mark the whole heap several times
 * a second for it (measured at 30 streams: five times, a third of the process's time). A piece that is never given back
 * costs only the reuse of its slab.
 */
export class SlabPool {
  readonly #slabs = new Map<ArrayBufferLike, Slab>();
  readonly #empty: Slab[] = [];
  #current: Slab | null = null;

  /** Bytes of memory held, in use or kept. */
  get heldBytes(): number {
    return (this.#slabs.size + this.#empty.length) * SLAB_BYTES;
  }

  /** Pieces taken and not given back, larger ones (which have memory of their own) not counted. */
  get livePieces(): number {
    let pieces = 0;
    for (const { live } of this.#slabs.values()) pieces += live;
    return pieces;
  }

  /** Uninitialised memory, to be given back with `free`. */
  take(size: number): Buffer {
    if (size > MAX_PIECE_BYTES) return Buffer.allocUnsafeSlow(size);
    let slab = this.#current;
    if (!slab || slab.used + size > SLAB_BYTES) {
      if (slab?.live === 0) this.#recycle(slab);
      slab = this.#empty.pop() ?? { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), used: 0, live: 0 };
      this.#slabs.set(slab.bytes.buffer, slab);
      this.#current = slab;
    }
    const piece = slab.bytes.subarray(slab.used, slab.used + size);
    slab.used += size;
    slab.live += 1;
    return piece;
  }

  /** Give a piece back; nobody may read it afterwards. Memory that is not of this pool is left alone. */
  free(piece: Buffer): void {
    const slab = this.#slabs.get(piece.buffer);
    if (!slab) return;
    slab.live -= 1;
    if (slab.live === 0 && slab !== this.#current) this.#recycle(slab);
  }

  #recycle(slab: Slab): void {
    this.#slabs.delete(slab.bytes.buffer);
    slab.used = 0;
    slab.live = 0;
    if (this.#empty.length < KEEP) this.#empty.push(slab);
  }
}
