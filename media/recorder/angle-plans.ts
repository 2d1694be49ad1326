import { HubError } from '../errors.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import type { Angle } from './angle.ts';
import type { MarksOwner } from './marks.ts';

type PlansOwner = MarksOwner & { operationDir: string; refuse: (dir: string) => HubError | null };

/**
 * What becomes of an angle before anything is recorded of it: another name, or it is not needed after all. Until the disk has
 * taken the line of it, it is as it was: whoever asked may have given up by then.
 */
export class AnglePlans {
  readonly #owner: PlansOwner;
  readonly #angles: Map<string, Angle>;
  /** The line that they are no more is on its way to the disk: nothing may follow it. */
  readonly #leaving = new Set<string>();

  constructor(owner: PlansOwner, angles: Map<string, Angle>) {
    this.#owner = owner;
    this.#angles = angles;
  }

  /** Resolves when that is on the disk. Throws `gone`, `not_found`, `conflict` when something was recorded of it, `disk_full` or `unavailable`. */
  async rename(angleId: string, name: string): Promise<void> {
    const angle = this.#unused(angleId);
    if (angle.name === name) return;
    await this.#owner.journal.append({ type: 'angle.renamed', angleId, name, atMs: this.#owner.nowMs() });
    angle.name = name;
  }

  /** Resolves when that is on the disk. Throws likewise. */
  async remove(angleId: string): Promise<void> {
    this.#unused(angleId);
    this.#leaving.add(angleId);
    try {
      await this.#owner.journal.append({ type: 'angle.removed', angleId, atMs: this.#owner.nowMs() });
      this.#angles.delete(angleId);
    } finally {
      this.#leaving.delete(angleId);
    }
  }

  /** For whatever would be recorded of it. Throws `not_found`. */
  staying(angleId: string): Angle {
    const angle = this.#angles.get(angleId);
    if (!angle || this.#leaving.has(angleId)) throw new HubError('not_found', `there is no angle ${angleId}`, { field: 'angleId' });
    return angle;
  }

  #unused(angleId: string): Angle {
    const { assertLive, operationDir, refuse } = this.#owner;
    assertLive();
    const angle = this.staying(angleId);
    if (angleId === TALK_ANGLE) throw new HubError('not_found', 'what commanders say is no angle of a plan', { field: 'angleId' });
    if (angle.take !== null || angle.state().takes > 0)
      throw new HubError('conflict', 'angleId: something was recorded of it', { field: 'angleId' });
    const refusal = refuse(operationDir); // the line would wait for the disk, for longer than anybody waits for the answer
    if (refusal) throw refusal;
    return angle;
  }
}
