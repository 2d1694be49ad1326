import { setTimeout as delay } from 'node:timers/promises';
import { HubError } from '../../media/errors.ts';
import type { Store } from '../store/database.ts';
import { type Json, THE_HUB } from './lines.ts';
import type { CustodyLog } from './log.ts';

export type ToldSettings = Record<string, Json>;

/** Of these it is told that they are others, not which. */
const SECRET = /secret|redis/i;
const KEPT = 'settings-told';
const RETRY_MS = 5000;

const shown = (name: string, value: Json | undefined): Json =>
  value === undefined || value === null ? null : SECRET.test(name) ? '…' : value;

/** What the hub's settings are now that they were not before: each with what it was and what it is. Null where nothing has changed. */
export function changedSettings(before: ToldSettings, now: ToldSettings): Record<string, Json> | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => JSON.stringify(before[name] ?? null) !== JSON.stringify(now[name] ?? null));
  if (changed.length === 0) return null;
  return Object.fromEntries(changed.map((name) => [name, [shown(name, before[name]), shown(name, now[name])]]));
}

/**
 * Settings are given when the hub is started: what has changed since the last start goes into the log, at the first start all of
 * them. Recording does not wait for it: while the log cannot be written, it is tried again. Resolves when it stands there.
 */
export async function recordSettings(
  store: Store,
  custody: Pick<CustodyLog, 'record'>,
  now: ToldSettings,
  nowMs: () => number,
): Promise<void> {
  const row = await store.selectFrom('secret').where('name', '=', KEPT).select('value').executeTakeFirst();
  const detail = changedSettings(JSON.parse(row?.value ?? '{}') as ToldSettings, now);
  if (detail === null) return;
  const atMs = nowMs();
  for (let late = false; ; late = true)
    try {
      await custody.record({ what: 'setting.changed', who: THE_HUB, detail, atMs, late });
      break;
    } catch (error) {
      if (!(error instanceof HubError && error.code === 'unavailable')) throw error;
      await delay(RETRY_MS, undefined, { ref: false });
    }
  await store
    .replaceInto('secret')
    .values({ name: KEPT, value: JSON.stringify(now) })
    .execute();
}
