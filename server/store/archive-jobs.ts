import type { Selectable } from 'kysely';
import type { PackageStatus } from '../protocol/http.ts';
import type { Store } from './database.ts';
import type { Database } from './schema.ts';

const NONE: PackageStatus = {
  state: 'none',
  step: null,
  progress: null,
  path: null,
  sizeBytes: null,
  files: null,
  verifiedMs: null,
  error: null,
};

/** Where the packing of an operation stands. `progress` comes from the job that runs, if one does. */
export async function packageStatus(
  store: Store,
  operationId: string,
  progress: Pick<PackageStatus, 'step' | 'progress'> | null,
): Promise<PackageStatus> {
  const row = await store.selectFrom('archive_job').where('operation_id', '=', operationId).selectAll().executeTakeFirst();
  return statusOf(row, progress);
}

/** Of these operations, without how far a job is. */
export async function packageStatuses(store: Store, ids: string[]): Promise<(operationId: string) => PackageStatus> {
  const rows = await store.selectFrom('archive_job').where('operation_id', 'in', ids).selectAll().execute();
  const known = new Map(rows.map((row) => [row.operation_id, row]));
  return (operationId) => statusOf(known.get(operationId), null);
}

function statusOf(
  row: Selectable<Database['archive_job']> | undefined,
  progress: Pick<PackageStatus, 'step' | 'progress'> | null,
): PackageStatus {
  if (!row) return NONE;
  const { state, path, size_bytes: sizeBytes, files, verified_ms: verifiedMs, error } = row;
  return {
    state,
    path,
    sizeBytes,
    files,
    verifiedMs,
    error,
    step: state === 'running' ? (progress?.step ?? null) : null,
    progress: state === 'running' ? (progress?.progress ?? null) : null,
  };
}

/** The intent to pack, written before any queue hears of it. Asking again restarts a failed one and leaves any other as it is. */
export async function requestPackage(store: Store, operationId: string, nowMs: number): Promise<void> {
  await store
    .insertInto('archive_job')
    .values({ operation_id: operationId, state: 'waiting', requested_ms: Math.round(nowMs) })
    .onConflict((oc) => oc.column('operation_id').doUpdateSet({ state: 'waiting', error: null }).where('archive_job.state', '=', 'failed'))
    .execute();
}

/** What was packed, or is being packed, is not all that there is: whoever has asked for it gets it anew. */
export async function repack(store: Store, operationId: string, nowMs: number): Promise<void> {
  const none = { path: null, size_bytes: null, files: null, verified_ms: null, error: null };
  await store
    .updateTable('archive_job')
    .set({ state: 'waiting', requested_ms: Math.round(nowMs), ...none })
    .where('operation_id', '=', operationId)
    .execute();
}

/** A verified package has so much more in it. */
export async function packageGrown(
  store: Store,
  operationId: string,
  { sizeBytes, files }: { sizeBytes: number; files: number },
): Promise<void> {
  await store
    .updateTable('archive_job')
    .set((eb) => ({ size_bytes: eb('size_bytes', '+', sizeBytes), files: eb('files', '+', files) }))
    .where('operation_id', '=', operationId)
    .execute();
}

/** Operations whose packing was asked for and is not done. */
export async function openPackages(store: Store): Promise<string[]> {
  const rows = await store.selectFrom('archive_job').where('state', 'in', ['waiting', 'running']).select('operation_id').execute();
  return rows.map((row) => row.operation_id);
}

/** What became of a job. Whether that counts: not where it was asked for anew meanwhile. */
export async function savePackage(
  store: Store,
  operationId: string,
  change:
    | { state: 'running' }
    | { state: 'failed'; error: string }
    | { state: 'verified'; path: string; sizeBytes: number; files: number; verifiedMs: number },
): Promise<boolean> {
  const set =
    change.state === 'verified'
      ? {
          state: change.state,
          path: change.path,
          size_bytes: change.sizeBytes,
          files: change.files,
          verified_ms: Math.round(change.verifiedMs),
          error: null,
        }
      : { state: change.state, error: change.state === 'failed' ? change.error : null };
  const job = store.updateTable('archive_job').set(set).where('operation_id', '=', operationId);
  const { numUpdatedRows } = await (change.state === 'running' ? job : job.where('state', '=', 'running')).executeTakeFirst();
  return numUpdatedRows > 0n;
}
