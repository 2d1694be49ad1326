/**
 * Memory for frames that wait for a disk, shared by all takes of the process. How much one may hold shrinks with what is
 * left: no more than is free (dynamic thresholds, Choudhury and Hahne 1998, with a factor of one). A single slow take may
 * have half of it; when many are behind each gets an equal part, and as much stays for those whose disk is well.
 */
export class WriteBudget {
  readonly capacityBytes: number;
  #heldBytes = 0;

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a take that holds `ownBytes` may hold `sizeBytes` more. */
  admits(ownBytes: number, sizeBytes: number): boolean {
    return ownBytes + sizeBytes <= this.capacityBytes - this.#heldBytes;
  }

  hold(sizeBytes: number): void {
    this.#heldBytes += sizeBytes;
  }

  release(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
  }
}
