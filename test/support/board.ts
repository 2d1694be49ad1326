import { call } from '../../scripts/demo/hub.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { Squad } from '../../server/protocol/people.ts';

type Board = { squadId: string; caseId: string; planned: string; unfilmed: string };

/** A squad and its case, an operation that is planned for it, one that has ended without a picture, and one that goes on. */
export async function seedBoard(hub: { url: string }): Promise<Board> {
  const { squadId } = await call(hub, Squad, 'POST', '/squads', { name: '第一中队' });
  const written = { number: '甬综执罚字〔2026〕第12号', cause: '未取得建设工程规划许可证擅自建设', parties: ['张三'], squadId };
  const { caseId } = await call(hub, EnforcementCase, 'POST', '/cases', written);
  const begin = async (facts: object): Promise<string> =>
    (await call(hub, OperationView, 'POST', '/operations', { ...facts, angles: ['北门', '航拍'] })).operationId;
  const facts = { type: 'demolition', place: '城东路12号', caseId, squadIds: [squadId], officers: [{ personId: null, name: '王伟' }] };
  const planned = await begin({ name: '强制拆除 城东路12号', ...facts, planned: true, plannedMs: Date.now() + 3_600_000 });
  const unfilmed = await begin({ name: '占道经营整治 和平街', type: 'campaign' });
  await call(hub, OperationView, 'POST', `/operations/${unfilmed}/end`);
  await begin({ name: '夜市检查', confidentiality: 'sensitive' });
  return { squadId, caseId, planned, unfilmed };
}
