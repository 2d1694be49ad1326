import { CaseList, EnforcementCase, type CaseChange, type CaseCreate, type CaseFilter } from '../../server/protocol/cases.ts';
import {
  OperationList,
  type OperationListItem,
  OperationView,
  PackageStatus,
  TakeMoved,
  type TakeMoveRequest,
  type TakePlace,
} from '../../server/protocol/http.ts';
import { type FactsChange, OperationFacts, type OperationCreate } from '../../server/protocol/operations.ts';
import type { z } from 'zod';
import { api } from './api.ts';

/**
 * Where an operation goes on, of the pages that whoever reads may open: what was not begun is made ready on its own page, which is
 * everybody's. `text`: the key of its words.
 */
export function wayTo({ operationId, state, may }: Pick<OperationListItem, 'operationId' | 'state' | 'may'>): { to: string; text: string } {
  const page = `/operations/${operationId}`;
  if (state === 'planned') return { to: page, text: may.includes('operation.plan') ? 'board.prepare' : 'op.facts' };
  if (state === 'live' && may.includes('live.watch')) return { to: `/console/${operationId}`, text: 'home.console' };
  if (may.includes('recording.view')) return { to: `/review/${operationId}`, text: 'home.review' };
  return { to: page, text: 'op.facts' };
}

const of = (operationId: string, rest: string): string => `/operations/${operationId}${rest}`;
/** What is done with operations and what is known of them. All throw ApiFailure. */
export const operationsApi = {
  create: (facts: z.input<typeof OperationCreate>) => api(OperationView, 'POST', '/operations', facts),
  change: (operationId: string, change: FactsChange) => api(OperationFacts, 'PUT', of(operationId, '/facts'), change),
  start: (operationId: string) => api(OperationFacts, 'POST', of(operationId, '/start')),
  end: (operationId: string) => api(OperationView, 'POST', of(operationId, '/end')),
  seal: (operationId: string) => api(OperationFacts, 'POST', of(operationId, '/seal')),
  packAgain: (operationId: string) => api(PackageStatus, 'POST', of(operationId, '/package')),
  find: (q: string) => api(OperationList, 'GET', `/operations?size=8&q=${encodeURIComponent(q)}`),
  moveTake: ({ operationId, angleId, takeId }: TakePlace, where: z.input<typeof TakeMoveRequest>) =>
    api(TakeMoved, 'POST', of(operationId, `/angles/${angleId}/takes/${takeId}/move`), where),
  planAngle: (operationId: string, angleId: string, plan: { officer?: string | null; deviceId?: string | null }) =>
    api(OperationFacts, 'PUT', of(operationId, `/angles/${angleId}/plan`), plan),
  renameAngle: (operationId: string, angleId: string, name: string) =>
    api(OperationFacts, 'PUT', of(operationId, `/angles/${angleId}/name`), { name }),
  removeAngle: (operationId: string, angleId: string) => api(OperationFacts, 'DELETE', of(operationId, `/angles/${angleId}`)),
};
export const casesApi = {
  find: (q: string) => api(CaseList, 'GET', `/cases?size=20&q=${encodeURIComponent(q)}`),
  create: (facts: z.input<typeof CaseCreate>) => api(EnforcementCase, 'POST', '/cases', facts),
  change: (caseId: string, change: z.input<typeof CaseChange>) => api(EnforcementCase, 'PUT', `/cases/${caseId}`, change),
};

/** What somebody sorts cases by, and which way is of use then. */
const CASE_WAYS: Record<CaseFilter['sort'], CaseFilter['order']> = { time: 'desc', number: 'asc', stage: 'asc' };

/** The query of the list of cases, and of its table, for what somebody chose. */
export function caseQuery({ q, stage, secrecy, sort }: Record<'q' | 'stage' | 'secrecy' | 'sort', string>): Record<string, string> {
  const by = sort in CASE_WAYS ? (sort as CaseFilter['sort']) : 'time';
  return { q: q.trim(), stage, confidentiality: secrecy, sort: by, order: CASE_WAYS[by] };
}

/** The words of the forms of operations for their fields. */
export const OPERATION_FIELDS: Record<string, string> = {
  name: 'op.name',
  type: 'op.type',
  caseId: 'op.case',
  place: 'op.place',
  latitude: 'op.latitude',
  longitude: 'op.longitude',
  plannedMs: 'op.planned',
  confidentiality: 'op.secrecy',
  requiredAngles: 'op.required',
  squadIds: 'op.squads',
  officers: 'op.officers',
  angles: 'op.angles',
  officer: 'op.angleOfficer',
  deviceId: 'op.angleDevice',
};
export const OPERATION_REFUSALS: Record<string, string> = {
  'conflict state': 'op.wrongState',
  'conflict package': 'op.noPackage',
  'disk_full package': 'op.packageFull',
  'unavailable package': 'op.packageStuck',
  'conflict labels': 'op.noLabels',
  'conflict takes': 'op.takeMoves',
  'bad_request requiredAngles': 'op.twoAngles',
  'forbidden squadIds': 'op.otherSquads',
  'bad_request squadIds': 'op.otherSquads',
  'forbidden confidentiality': 'op.notLower',
  'bad_request deviceId': 'op.noDevice',
  'conflict angleId': 'op.angleUsed',
  'conflict deviceId': 'op.notInService',
};
export const CASE_FIELDS: Record<string, string> = {
  number: 'cases.number',
  cause: 'cases.cause',
  parties: 'cases.parties',
  stage: 'cases.stage',
  confidentiality: 'op.secrecy',
  squadId: 'cases.squad',
};
export const CASE_REFUSALS: Record<string, string> = {
  'conflict number': 'cases.taken',
  'forbidden squadId': 'cases.otherSquads',
  'forbidden confidentiality': 'op.notLower',
  // the form is for whoever plans, for some squad at least
  'forbidden permission': 'cases.otherSquads',
};

export const MOVE_REFUSALS: Record<string, string> = {
  'conflict takeId': 'moves.notMovable',
  'not_found takeId': 'moves.notMovable',
  'conflict operationId': 'moves.sealed',
  'conflict toOperationId': 'moves.notThere',
  'conflict toAngleId': 'error.no-angle',
  'conflict same-time': 'moves.sameTime',
  'conflict day-away': 'moves.dayAway',
  'forbidden confidentiality': 'moves.notWider',
};

/** What a list of R18's labels shows of a value: an interval of ISO 8601 as two moments. */
export function labelText(value: string, moment: (ms: number) => string): string {
  const [from, to] = value.split('/').map((each) => (/^\d{4}-\d\d-\d\dT/.test(each) ? Date.parse(each) : Number.NaN));
  return from === undefined || to === undefined || Number.isNaN(from) || Number.isNaN(to) ? value : `${moment(from)} – ${moment(to)}`;
}
