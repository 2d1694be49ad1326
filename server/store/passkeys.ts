import { HubError } from '../../media/errors.ts';
import type { PasskeyItem } from '../protocol/passkeys.ts';
import { inTransaction, type Store } from './database.ts';
import { requireSession } from './person-sessions.ts';
import { hash } from './sessions.ts';

type NewPasskey = {
  personId: string;
  name: string;
  credentialId: string;
  publicKey: Uint8Array;
  counter: number;
  transports: string[];
};

/** Names it in addresses and in the custody log: a credential's own id may be as long as 1023 bytes. */
export const passkeyIdOf = (credentialId: string): string => `pk-${hash(credentialId).slice(0, 16)}`;

/** Oldest first. */
export async function listPasskeys(store: Store, personId: string): Promise<PasskeyItem[]> {
  const rows = await store.selectFrom('passkey').where('person_id', '=', personId).selectAll().orderBy('created_ms').execute();
  return rows.map(({ credential_id: id, name, created_ms: createdMs, used_ms: usedMs }) => ({
    passkeyId: passkeyIdOf(id),
    name,
    createdMs,
    usedMs,
  }));
}

/** Their own ids, so that no authenticator is asked to hold two for the same person. */
export async function credentialsOf(store: Store, personId: string): Promise<{ id: string; transports: string[] }[]> {
  const rows = await store.selectFrom('passkey').where('person_id', '=', personId).select(['credential_id', 'transports']).execute();
  return rows.map(({ credential_id: id, transports }) => ({ id, transports: JSON.parse(transports) as string[] }));
}

/** False for a credential that is known already, whoever's it is. Throws as `requireSession`, of the one that it is made in. */
export function insertPasskey(store: Store, passkey: NewPasskey, sessionHash: string | null, nowMs: number): Promise<boolean> {
  const { personId, name, credentialId, publicKey, counter, transports } = passkey;
  return inTransaction(store, async (tx) => {
    await requireSession(tx, sessionHash);
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('passkey')
      .values({
        credential_id: credentialId,
        person_id: personId,
        name,
        public_key: Buffer.from(publicKey).toString('base64url'),
        counter,
        transports: JSON.stringify(transports),
        created_ms: Math.round(nowMs),
        used_ms: null,
      })
      .onConflict((oc) => oc.column('credential_id').doNothing())
      .executeTakeFirstOrThrow();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  });
}

/** What a sign-in is checked against; null for a credential that nobody has. */
export async function passkeyOf(store: Store, credentialId: string) {
  const row = await store
    .selectFrom('passkey')
    .innerJoin('person', 'person.person_id', 'passkey.person_id')
    .where('credential_id', '=', credentialId)
    .select(['person.person_id', 'person.name as person_name', 'state', 'passkey.name', 'public_key', 'counter'])
    .executeTakeFirst();
  if (!row) return null;
  const { person_id: personId, person_name: personName, state, name, public_key: publicKey, counter } = row;
  return { personId, personName, state, name, publicKey: new Uint8Array(Buffer.from(publicKey, 'base64url')), counter };
}

/**
 * It was used, and its authenticator counts so far now (WebAuthn, 6.1.1; 0 for one that does not count). False when it was removed,
 * or used further, meanwhile: one statement decides between two that come at once.
 */
export async function usePasskey(store: Store, credentialId: string, counter: number, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('passkey')
    .set({ counter, used_ms: Math.round(nowMs) })
    .where('credential_id', '=', credentialId)
    .where((eb) => (counter === 0 ? eb('counter', '=', 0) : eb('counter', '<', counter)))
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Throws `not_found`. */
export async function deletePasskey(store: Store, personId: string, passkeyId: string): Promise<void> {
  const its = (await credentialsOf(store, personId)).find(({ id }) => passkeyIdOf(id) === passkeyId);
  if (!its) throw new HubError('not_found', 'there is no such passkey', { field: 'passkeyId' });
  await store.deleteFrom('passkey').where('person_id', '=', personId).where('credential_id', '=', its.id).execute();
}

export async function deletePasskeys(store: Store, personId: string): Promise<void> {
  await store.deleteFrom('passkey').where('person_id', '=', personId).execute();
}
