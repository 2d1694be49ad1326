import { HubError } from '../errors.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import type { Angle } from './angle.ts';
import type { MarksOwner } from './marks.ts';

/** What becomes of an angle before anything is recorded of it: another name, or it is not needed after all. */
export class AnglePlans {
  readonly #owner: MarksOwner;
  readonly #angles: Map<string, Angle>;

  constructor(owner: MarksOwner, angles: Map<string, Angle>) {
    this.#owner = owner;
    this.#angles = angles;
  }

  /** Resolves when that is on the disk. Throws `gone`, `not_found`, `conflict` when something was recorded of it. */
  async rename(angleId: string, name: string): Promise<void> {
    const angle = this.#unused(angleId);
    if (angle.name === name) return;
    angle.name = name;
    await this.#owner.journal.append({ type: 'angle.renamed', angleId, name, atMs: this.#owner.nowMs() });
  }

  /** Resolves when that is on the disk. Throws likewise. */
  async remove(angleId: string): Promise<void> {
    this.#unused(angleId);
    this.#angles.delete(angleId);
    await this.#owner.journal.append({ type: 'angle.removed', angleId, atMs: this.#owner.nowMs() });
  }

  #unused(angleId: string): Angle {
    this.#owner.assertLive();
    const angle = this.#angles.get(angleId);
    if (!angle || angleId === TALK_ANGLE) throw new HubError('not_found', `there is no angle ${angleId}`, { field: 'angleId' });
    if (angle.take !== null || angle.state().takes > 0)
      throw new HubError('conflict', 'angleId: something was recorded of it', { field: 'angleId' });
    return angle;
  }
}
