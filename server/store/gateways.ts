import { GatewaySpec } from '../../media/protocol/gateway.ts';
import type { Store } from './database.ts';

/** A camera's address with its secrets, as the media plane is given it again after a restart. No answer of the API is made from it. */
export async function saveGateway(store: Store, operationId: string, angleId: string, spec: GatewaySpec): Promise<void> {
  const row = { operation_id: operationId, angle_id: angleId, spec: JSON.stringify(spec) };
  await store
    .insertInto('gateway')
    .values(row)
    .onConflict((oc) => oc.columns(['operation_id', 'angle_id']).doUpdateSet({ spec: row.spec }))
    .execute();
}

export async function removeGateway(store: Store, operationId: string, angleId: string): Promise<void> {
  await store.deleteFrom('gateway').where('operation_id', '=', operationId).where('angle_id', '=', angleId).execute();
}

/** By angle. */
export async function gatewaysOf(store: Store, operationId: string): Promise<Map<string, GatewaySpec>> {
  const rows = await store.selectFrom('gateway').where('operation_id', '=', operationId).selectAll().execute();
  return new Map(rows.map((row) => [row.angle_id, GatewaySpec.parse(JSON.parse(row.spec))]));
}
