import { keeperOf } from '../operations/keeper.ts';
import { labelsOf } from '../operations/labels.ts';
import type { OperationFacts } from '../protocol/operations.ts';
import type { Store } from './database.ts';
import { handOversOf } from './hand-overs.ts';
import { anglesWithPlans } from './facts-parts.ts';
import { labelSources } from './label-sources.ts';
import { factsRow } from './operation-facts.ts';
import { untickedShots } from './operation-shots.ts';
import { isUnrecorded } from './unrecorded.ts';

/** Everything that people know of an operation, whoever reads it. */
export type KnownFacts = Omit<OperationFacts, 'may'>;

/** Throws `not_found`. */
export async function readFacts(store: Store, operationId: string): Promise<KnownFacts> {
  const row = await factsRow(store, operationId);
  const officers = await store
    .selectFrom('operation_officer as o')
    .leftJoin('person as p', 'p.person_id', 'o.person_id')
    .where('o.operation_id', '=', operationId)
    .select(['o.person_id as personId', 'o.name', 'p.badge'])
    .orderBy('o.position')
    .execute();
  const steps = await store
    .selectFrom('operation_step')
    .where('operation_id', '=', operationId)
    .select(['state', 'at_ms as atMs', 'person_name as personName'])
    .orderBy('at_ms')
    .execute();
  const angles = await anglesWithPlans(store, operationId)
    .leftJoin('device as d', 'd.device_id', 'p.device_id')
    .select(['a.angle_id as angleId', 'a.name', 'p.officer', 'p.device_id as deviceId', 'd.type', 'd.model', 'd.serial'])
    .orderBy('a.position')
    .execute();
  const handOvers = await handOversOf(store, operationId);
  const { squads, case: ofCase, recorded } = await labelSources(store, row);
  const { name, number, state, type, place, latitude, longitude, confidentiality, version } = row;
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
    angles: angles.map(({ type: kind, model, serial, ...angle }) => ({
      ...angle,
      device: kind === null || model === null || serial === null ? null : { type: kind, model, serial },
    })),
    case: ofCase,
    caseId: row.case_id,
    plannedMs: row.planned_ms,
    requiredAngles: row.required_angles,
    quick: row.quick === 1,
    createdMs: row.created_ms,
    unrecorded: await isUnrecorded(store, operationId),
    unticked: await untickedShots(store, operationId),
    handOvers,
    keeper: keeperOf(handOvers, steps),
    labels: labelsOf({ squads, officers, recorded, case: ofCase, place, type }),
  };
}
