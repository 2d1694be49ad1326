import { messageOf } from '../../media/errors.ts';
import type { ResultOf } from '../../media/protocol/requests.ts';
import type { Context } from '../context.ts';
import type { AngleInUse } from '../protocol/capture.ts';
import type { OperationView } from '../protocol/http.ts';
import { angleHolders, type Holder, heldByOther } from '../store/seats.ts';

type Filming = ResultOf<'sourceOwners'>['owners'][string];

/** Who films each angle of an operation: by the media plane's word, and for those who are about to by the store's. */
export class AnglesInUse {
  readonly #angles: OperationView['angles'];
  readonly #films: Map<string, Filming>;
  readonly #holders: Map<string, Holder>;
  readonly #nowMs: number;

  private constructor(angles: OperationView['angles'], films: Map<string, Filming>, holders: Map<string, Holder>, nowMs: number) {
    this.#angles = angles;
    this.#films = films;
    this.#holders = holders;
    this.#nowMs = nowMs;
  }

  static async read(
    { hub, store, log }: Pick<Context, 'hub' | 'store' | 'log'>,
    { operationId, angles }: Pick<OperationView, 'operationId' | 'angles'>,
  ): Promise<AnglesInUse> {
    const holders = await angleHolders(store, operationId);
    // a media plane that is away locks nobody out of his own angle
    const { owners } = await hub.media.request('sourceOwners', { operationId }).catch((error: unknown) => {
      log.debug({ operationId, reason: messageOf(error) }, 'who films is not known');
      return { owners: {} };
    });
    return new AnglesInUse(angles, new Map(Object.entries(owners)), holders, hub.nowMs());
  }

  /** The devices that film now, pictures coming. */
  filming(): Set<string> {
    const owners = this.#angles.map(({ angleId, status }) => (status === 'recording' ? this.#films.get(angleId)?.owner : null));
    return new Set(owners.filter((owner) => typeof owner === 'string'));
  }

  /** What another device than this one films the angle with; null when it may have it. */
  byOther(angleId: string, owner: string): AngleInUse | null {
    const angle = this.#angles.find((candidate) => candidate.angleId === angleId);
    const films = this.#films.get(angleId);
    const holder = this.#holders.get(angleId);
    if (!angle || !heldByOther(angle, holder, owner, this.#nowMs, films)) return null;
    const kind = films?.kind ?? 'phone';
    return { device: films?.device ?? holder?.device ?? '', kind, sinceMs: films?.sinceMs ?? holder?.joinedMs ?? null };
  }
}
