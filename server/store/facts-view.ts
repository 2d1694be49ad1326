import { labelsOf } from '../operations/labels.ts';
import type { OperationFacts } from '../protocol/operations.ts';
import type { Store } from './database.ts';
import { factsRow } from './operation-facts.ts';

/** Everything that people know of an operation, whoever reads it. */
export type KnownFacts = Omit<OperationFacts, 'may'>;

/** Throws `not_found`. */
export async function readFacts(store: Store, operationId: string): Promise<KnownFacts> {
  const row = await factsRow(store, operationId);
  const officers = await store
    .selectFrom('operation_officer')
    .where('operation_id', '=', operationId)
    .select(['person_id as personId', 'name'])
    .orderBy('position')
    .execute();
  const squads = await store
    .selectFrom('operation_squad as o')
    .innerJoin('squad as s', 's.squad_id', 'o.squad_id')
    .where('o.operation_id', '=', operationId)
    .select(['s.squad_id as squadId', 's.name'])
    .orderBy('s.name')
    .execute();
  const steps = await store
    .selectFrom('operation_step')
    .where('operation_id', '=', operationId)
    .select(['state', 'at_ms as atMs', 'person_name as personName'])
    .orderBy('at_ms')
    .execute();
  const angles = await store
    .selectFrom('angle as a')
    .leftJoin('planned_angle as p', (join) => join.onRef('p.operation_id', '=', 'a.operation_id').onRef('p.angle_id', '=', 'a.angle_id'))
    .where('a.operation_id', '=', operationId)
    .select(['a.angle_id as angleId', 'a.name', 'p.officer', 'p.device_id as deviceId'])
    .orderBy('a.position')
    .execute();
  const ofCase = await caseSummary(store, row.case_id);
  const { name, number, state, type, place, latitude, longitude, confidentiality, version } = row;
  const recorded = await recordedTime(store, operationId);
  return {
    operationId,
    number,
    name,
    state,
    type,
    place,
    latitude,
    longitude,
    confidentiality,
    version,
    squads,
    officers,
    steps,
    angles,
    case: ofCase,
    caseId: row.case_id,
    plannedMs: row.planned_ms,
    requiredAngles: row.required_angles,
    quick: row.quick === 1,
    createdMs: row.created_ms,
    labels: labelsOf({ squads, officers, recorded, case: ofCase, place, type }),
  };
}

async function caseSummary(store: Store, caseId: string | null): Promise<OperationFacts['case']> {
  if (caseId === null) return null;
  const row = await store.selectFrom('enforcement_case').where('case_id', '=', caseId).selectAll().executeTakeFirstOrThrow();
  const { number, cause, stage, confidentiality } = row;
  return { caseId, number, cause, stage, confidentiality, parties: JSON.parse(row.parties) as string[] };
}

async function recordedTime(store: Store, operationId: string): Promise<{ fromMs: number; toMs: number } | null> {
  const { fromMs, toMs } = await store
    .selectFrom('take')
    .where('operation_id', '=', operationId)
    .select((eb) => [eb.fn.min('start_ms').as('fromMs'), eb.fn.max(eb.fn.coalesce('end_ms', 'start_ms')).as('toMs')])
    .executeTakeFirstOrThrow();
  return fromMs === null || toMs === null ? null : { fromMs, toMs };
}
