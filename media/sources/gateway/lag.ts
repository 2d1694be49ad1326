/** So much waits for a reader, and it lags. */
const MOST_BYTES = 8 * 2 ** 20;

/** Whether a reader keeps up. One that lags is given nothing until it has caught up: what is recorded does not wait for it. */
export class Lag {
  #lags = false;

  /** May it be given more? `waitingBytes`: of what it was given, what it has not read yet. */
  keepsUp(waitingBytes: number): boolean {
    this.#lags = this.#lags ? waitingBytes > 0 : waitingBytes > MOST_BYTES;
    return !this.#lags;
  }
}
