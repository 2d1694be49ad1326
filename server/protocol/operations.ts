import { z } from 'zod';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';
import { CaseStage, Confidentiality, OperationStage, OperationType, TableStyle } from './cases.ts';
import { Device } from './devices.ts';
import { HandOver } from './hand-overs.ts';
import { ShotItem } from './shots.ts';

/** The types of R12: several angles, by people who do nothing else. */
export const SEVERAL_ANGLES: readonly OperationType[] = ['demolition', 'campaign'];
export const MOST_ANGLES = 20;

/** 执法人员: one of the hub's people, or a name alone for somebody of another unit. It stays as it was on the day. */
export const Officer = z.object({ personId: Id.nullable(), name: Name });
export type Officer = z.infer<typeof Officer>;

/** What people write of an operation. */
export const WrittenFacts = z.object({
  name: Name,
  type: OperationType.nullable(),
  caseId: Id.nullable(),
  place: Name.nullable(),
  /** Both or neither; WGS 84, degrees. */
  latitude: z.number().min(-90).max(90).nullable(),
  longitude: z.number().min(-180).max(180).nullable(),
  plannedMs: HubTimeMs.nullable(),
  /** Never less than its case's. */
  confidentiality: Confidentiality,
  /** That must be live at once; for demolition and campaign two at least. */
  requiredAngles: z.int().min(1).max(MOST_ANGLES),
  squadIds: z.array(Id).max(30),
  officers: z.array(Officer).max(60),
});
export type WrittenFacts = z.infer<typeof WrittenFacts>;
/** Some of it. */
export const GivenFacts = WrittenFacts.partial();
export type GivenFacts = z.infer<typeof GivenFacts>;

/** `planned`: begun later by `start`; otherwise it is live at once and its facts may follow. `angles` are made in this order. */
export const OperationCreate = GivenFacts.extend({
  name: Name,
  planned: z.boolean().default(false),
  angles: z.array(Name).max(MOST_ANGLES).default([]),
});
export type OperationCreate = z.infer<typeof OperationCreate>;
/** What is not named stays. `version`: that which was read; whoever comes second is refused. */
export const FactsChange = GivenFacts.extend({ version: z.int() });
export type FactsChange = z.infer<typeof FactsChange>;
/** What is not named stays. */
export const AnglePlan = z.object({ officer: Name.nullable().optional(), deviceId: Id.nullable().optional() });
export type AnglePlan = z.infer<typeof AnglePlan>;

/** 中队(组), 执法人员, 记录时间, 案由, 当事人, 地点, 行动类型: complete before an operation is sealed (R18). */
export const LABELS = ['squads', 'officers', 'time', 'cause', 'parties', 'place', 'type'] as const;
/** `value` null: missing. Lists are joined by 、; `time` is an interval of ISO 8601, a type one of R9's words. */
export const OperationLabel = z.object({ label: z.enum(LABELS), value: z.string().nullable() });
export type OperationLabel = z.infer<typeof OperationLabel>;

/** What whoever asks may do with this operation, by the names of the table of permissions: what screens offer. */
export const May = z.array(z.string());

export const OperationFacts = WrittenFacts.omit({ squadIds: true, officers: true }).extend({
  operationId: Id,
  number: z.int(),
  state: OperationStage,
  /** Begun unplanned. */
  quick: z.boolean(),
  createdMs: HubTimeMs,
  version: z.int(),
  squads: z.array(z.object({ squadId: Id, name: Name })),
  /** `badge`: as it is now; it tells those of one name apart. */
  officers: z.array(Officer.extend({ badge: z.string().nullable() })),
  case: z
    .object({
      caseId: Id,
      number: Name,
      cause: Name,
      parties: z.array(Name),
      stage: CaseStage,
      confidentiality: Confidentiality,
    })
    .nullable(),
  /** Who brought it to each state, and when; without a name: the hub itself. */
  steps: z.array(z.object({ state: OperationStage, atMs: HubTimeMs, personName: z.string().nullable() })),
  /** `device`: the planned one in words, for whoever may not look it up, and whatever has become of it. */
  angles: z.array(
    z.object({
      angleId: Id,
      name: Name,
      officer: z.string().nullable(),
      deviceId: Id.nullable(),
      device: Device.pick({ type: true, model: true, serial: true }).nullable(),
    }),
  ),
  labels: z.array(OperationLabel),
  /** To custodians (R17), the newest first. */
  handOvers: z.array(HandOver),
  /** Who answers for what was filmed: the last who took it over; else who sealed it; null while nobody does. */
  keeper: z.object({ name: Name, sinceMs: HubTimeMs }).nullable(),
  /** It is over, had to be recorded (R9), and was not. */
  unrecorded: z.boolean(),
  /** What its shot list asks for and nobody has ticked (R10). */
  unticked: z.array(ShotItem),
  may: May,
});
export type OperationFacts = z.infer<typeof OperationFacts>;

export const OPERATION_SORTS = ['number', 'time', 'name', 'state', 'planned'] as const;
const several = <T extends z.ZodType>(one: T) =>
  z.union([one, z.array(one).max(20)]).transform((given): z.output<T>[] => (Array.isArray(given) ? given : [given]));

/** Every filter narrows. Moments in hub time. */
export const OperationFilter = z.object({
  /** Words, each of which stands somewhere in it: number, name, place, type, case, parties, officers, squads, angles, their devices. */
  q: z.string().max(100).default(''),
  state: several(OperationStage).optional(),
  type: several(OperationType).optional(),
  squad: Id.optional(),
  case: Id.optional(),
  confidentiality: Confidentiality.optional(),
  /** Those that had to be recorded, are over, and were not. */
  missing: z.literal('recording').optional(),
  /** Its time: of its begin, or planned for, or made. `to` is not in it. */
  from: z.coerce.number().nonnegative().optional(),
  to: z.coerce.number().nonnegative().optional(),
  /** `number`: in the order they were made. Without a planned time: last. */
  sort: z.enum(OPERATION_SORTS).default('number'),
  order: z.enum(['asc', 'desc']).default('desc'),
});
export type OperationFilter = z.infer<typeof OperationFilter>;
export const OperationQuery = OperationFilter.extend({
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  size: z.coerce.number().int().min(1).max(100).default(50),
});
export type OperationQuery = z.infer<typeof OperationQuery>;
export const OperationExport = OperationFilter.extend(TableStyle.shape);
