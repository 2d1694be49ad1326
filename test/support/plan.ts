import { call } from '../../scripts/demo/hub.ts';
import { OperationView } from '../../server/protocol/http.ts';

export type Plan = {
  operationId: string;
  /** The address of what is below its angle of that number, as planned. */
  at: (angle: number, rest?: string) => string;
};

/** An operation that is planned with these angles, and has not begun. */
export async function planWith(hub: { url: string }, names: string[]): Promise<Plan> {
  const { operationId, angles } = await call(hub, OperationView, 'POST', '/operations', { name: '计划', planned: true, angles: names });
  return { operationId, at: (angle, rest = '') => `/operations/${operationId}/angles/${angles[angle]?.angleId}${rest}` };
}
