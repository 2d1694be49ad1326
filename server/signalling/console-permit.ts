import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import type { Who } from '../custody/lines.ts';
import { refusal, whoIs, worthALine } from '../http/permit.ts';
import { type Actor, decide, permissionsOn } from '../permission/decide.ts';
import type { Permission, Rule } from '../permission/rules.ts';
import { consoleRights, type ConsoleRequests } from '../protocol/socket.ts';
import { actorOfKey } from '../live/live-rights.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { actorOfSession } from '../store/person-sessions.ts';

/** The rule of a console's request, as routes have theirs. */
export const ruleOfEvent = (name: keyof ConsoleRequests): Rule => ({ by: 'permission', permission: consoleRights[name], of: 'operation' });

/** May whoever has this session still hear of this operation? */
export const maySee = async (context: Context, sessionHash: string, operationId: string): Promise<boolean> =>
  decide(ruleOfEvent('join'), await actorOfKey(context, sessionHash), await operationBounds(context.store, operationId)) === 'allowed';

/** What whoever is at a console's socket may do now: looked at anew with each request, so that a right taken is gone at once. */
export class ConsolePermit {
  readonly #context: Context;
  readonly #sessionHash: string;
  readonly #address: string;
  #actor: Actor | null = null;

  constructor(context: Context, sessionHash: string, address: string) {
    this.#context = context;
    this.#sessionHash = sessionHash;
    this.#address = address;
  }

  /** Throws `unauthorized`, `forbidden`, `not_found`, and `conflict` for a request that needs an operation before one is joined. */
  async check(name: keyof ConsoleRequests, params: unknown, joined: string | null): Promise<void> {
    const { store, hub, custody } = this.#context;
    const named = (params as { operationId?: unknown } | null)?.operationId;
    const operationId = name !== 'join' ? joined : typeof named === 'string' ? named : null;
    this.#actor = await actorOfSession(store, this.#sessionHash, hub.nowMs());
    const bounds = operationId === null ? null : await operationBounds(store, operationId);
    const decision = decide(ruleOfEvent(name), this.#actor, bounds);
    if (decision === 'allowed') return;
    if (decision === 'unknown-operation' && operationId === null) {
      if (name === 'join') return; // its schema says what is missing
      throw new HubError('conflict', 'join first');
    }
    if (this.#actor && worthALine(this.#actor))
      custody.note({ what: 'refused', who: this.who(), operationId, outcome: 'refused', detail: { event: name, decision } });
    throw refusal(decision);
  }

  /** What whoever sent the last request may do with an operation. */
  async mayOn(operationId: string): Promise<Permission[]> {
    const bounds = await operationBounds(this.#context.store, operationId);
    return this.#actor && bounds ? permissionsOn(this.#actor, bounds) : [];
  }

  /** Of the last request that was let through. */
  who(): Who {
    if (!this.#actor) throw new HubError('unauthorized', 'this session is over');
    return whoIs(this.#actor, this.#address);
  }
}
