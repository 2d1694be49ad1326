import { type Actor, decide } from '../permission/decide.ts';
import { PERMISSIONS } from '../permission/rules.ts';
import type { Store } from '../store/database.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { rolesOf } from '../store/people.ts';

type Custodian = { personId: string; name: string; badge: string | null };
const KEEPS = { by: 'permission', permission: 'operation.keep', of: 'operation' } as const;

/** Who may take over what was filmed at this operation, by name: whoever was blocked may not. */
export async function custodiansOf(store: Store, operationId: string): Promise<Custodian[]> {
  const bounds = await operationBounds(store, operationId);
  const rows = await store
    .selectFrom('person as p')
    .where('p.state', '=', 'active')
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('person_role as r')
          .select('r.role')
          .whereRef('r.person_id', '=', 'p.person_id')
          .where('r.role', 'in', PERMISSIONS['operation.keep']),
      ),
    )
    .select(['p.person_id as personId', 'p.login', 'p.name', 'p.badge'])
    .orderBy('p.name')
    .execute();
  const known = await Promise.all(rows.map(async (row) => ({ ...row, grants: await rolesOf(store, row.personId) })));
  return known
    .filter((person) => decide(KEEPS, { ...person, ...ANYWHERE }, bounds) === 'allowed')
    .map(({ personId, name, badge }) => ({ personId, name, badge }));
}

/** What somebody may do by his roles, wherever he has signed in. */
const ANYWHERE = { mustChange: false, sessionHash: null, sessionId: null, scopes: null, tokenId: null } satisfies Partial<Actor>;
