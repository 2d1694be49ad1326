import { HubError } from '../../media/errors.ts';

/** Angles whose removal has begun: its line in the custody log has been written, and nothing may be given out for them that does not stand there. */
export class LeavingAngles {
  /** `unknown`: nobody waits for the answer any more, it may come to be nevertheless. */
  readonly #angles = new Map<string, 'leaving' | 'unknown'>();

  /** `work` removes it. Throws `not_found` where somebody else does, and what `work` throws. */
  async during<T>(angleId: string, work: () => Promise<T>): Promise<T> {
    if (this.#angles.get(angleId) === 'leaving') throw gone(angleId);
    this.#angles.set(angleId, 'leaving');
    let isUnknown = false;
    try {
      return await work();
    } catch (error) {
      isUnknown = error instanceof HubError && error.code === 'timeout';
      throw error;
    } finally {
      if (isUnknown) this.#angles.set(angleId, 'unknown');
      else this.#angles.delete(angleId);
    }
  }

  /** Throws `not_found`. */
  assertStays(angleId: string): void {
    if (this.#angles.has(angleId)) throw gone(angleId);
  }

  /** The media plane has begun anew: what it has not removed by now, it does not remove. */
  forgetUnknown(): void {
    for (const [angleId, state] of this.#angles) if (state === 'unknown') this.#angles.delete(angleId);
  }
}

const gone = (angleId: string): HubError => new HubError('not_found', `there is no angle ${angleId}`, { field: 'angleId' });
