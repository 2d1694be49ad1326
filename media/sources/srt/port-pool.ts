/** Ports of a range, each given to one at a time. */
export class PortPool {
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();

  constructor({ first, last }: { first: number; last: number }) {
    this.#first = first;
    this.#last = last;
  }

  /** The wanted one if it is free, else another; null when all are given out. */
  take(wanted: number | undefined): number | null {
    const ports = Array.from({ length: this.#last - this.#first + 1 }, (_, i) => this.#first + i).filter((port) => !this.#taken.has(port));
    const port = ports.find((each) => each === wanted) ?? ports[0] ?? null;
    if (port !== null) this.#taken.add(port);
    return port;
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}
