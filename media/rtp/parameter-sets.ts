import { HubError } from '../errors.ts';
import { BitReader } from './bit-reader.ts';

/** Sets larger than this do not exist; and the boxes that carry them count in 16 bits. */
const MAX_SET_BYTES = 16 * 1024;
/** Far more than any sender uses; a sender that makes up numbers must not fill the memory. */
const MAX_SETS = 64;

/** The parameter sets a decoder needs before the next picture: the newest of each kind (NAL unit type) and number. */
export class ParameterSets {
  readonly #sets = new Map<number, Buffer>();
  readonly #latest = new Map<number, Buffer>();

  /** Keep a copy of a set; one that says the same as before keeps its buffer, so that buffers can be compared. */
  remember(kind: number, id: number, nal: Buffer): void {
    if (nal.length > MAX_SET_BYTES) return;
    const key = kind * 0x10000 + id;
    let set = this.#sets.get(key);
    if (!set?.equals(nal)) {
      if (this.#sets.size >= MAX_SETS) this.#sets.clear();
      set = Buffer.from(nal); // outlives the packet it came in
      this.#sets.set(key, set);
    }
    this.#latest.set(kind, set);
  }

  /** The one of this kind that came last. */
  latest(kind: number): Buffer | null {
    return this.#latest.get(kind) ?? null;
  }

  /** All of them, in the order in which a decoder wants them. */
  all(): Buffer[] {
    return [...this.#sets].sort(([a], [b]) => a - b).map(([, set]) => set);
  }
}

/** The Exp-Golomb number at a byte of a set, as which its id is written; 0 when it cannot be read. */
export function setId(nal: Buffer, from: number): number {
  try {
    return Math.min(0xffff, new BitReader(nal, from).ue());
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return 0;
  }
}

/** NAL units from SDP parameters: base64, separated by commas (RFC 6184, 8.1; RFC 7798, 7.1). */
export function setsFromSdp(...parameters: unknown[]): Buffer[] {
  return parameters.flatMap((text) => (typeof text === 'string' ? text.split(',').map((part) => Buffer.from(part, 'base64')) : []));
}
