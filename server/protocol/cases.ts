import { z } from 'zod';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';

/** 立案, 调查取证, 审查决定, 送达, 行政强制, 归档 (R2). */
export const CASE_STAGES = ['filing', 'investigation', 'decision', 'service', 'compulsion', 'archiving'] as const;
export const CaseStage = z.enum(CASE_STAGES);
export type CaseStage = z.infer<typeof CaseStage>;

/** 公开, 内部, 敏感 (personal and trade secrets), 秘密: who of a squad may see it narrows from left to right. */
export const CONFIDENTIALITY = ['open', 'internal', 'sensitive', 'secret'] as const;
export const Confidentiality = z.enum(CONFIDENTIALITY);
export type Confidentiality = z.infer<typeof Confidentiality>;

/**
 * The nine of R9: 现场勘验检查, 询问, 先行登记保存, 扣押财物, 查封施工现场, 听证, 强制拆除违法建筑, 留置/公告送达, 其他;
 * and 专项整治 of R12.
 */
export const OPERATION_TYPES = [
  'inspection',
  'questioning',
  'registration',
  'seizure',
  'sealing',
  'hearing',
  'demolition',
  'service',
  'other',
  'campaign',
] as const;
export const OperationType = z.enum(OPERATION_TYPES);
export type OperationType = z.infer<typeof OperationType>;

/** 计划, 进行中, 已结束, 已封存. */
export const OPERATION_STAGES = ['planned', 'live', 'ended', 'sealed'] as const;
export const OperationStage = z.enum(OPERATION_STAGES);
export type OperationStage = z.infer<typeof OperationStage>;

/** What the screens, lists for spreadsheets and the full text call them: each is found by its words in either language. */
export const TYPE_WORDS: Record<OperationType, { zh: string; en: string }> = {
  inspection: { zh: '现场勘验检查', en: 'On-site inspection' },
  questioning: { zh: '询问', en: 'Questioning' },
  registration: { zh: '先行登记保存', en: 'Prior registration' },
  seizure: { zh: '扣押财物', en: 'Seizure' },
  sealing: { zh: '查封施工现场', en: 'Sealing of a site' },
  hearing: { zh: '听证', en: 'Hearing' },
  demolition: { zh: '强制拆除违法建筑', en: 'Forced demolition' },
  service: { zh: '留置/公告送达', en: 'Service of documents' },
  other: { zh: '其他', en: 'Other contact' },
  campaign: { zh: '专项整治', en: 'Campaign' },
};
export const STAGE_WORDS: Record<OperationStage, { zh: string; en: string }> = {
  planned: { zh: '计划', en: 'Planned' },
  live: { zh: '进行中', en: 'Live' },
  ended: { zh: '已结束', en: 'Ended' },
  sealed: { zh: '已封存', en: 'Sealed' },
};
export const CASE_STAGE_WORDS: Record<CaseStage, { zh: string; en: string }> = {
  filing: { zh: '立案', en: 'Filing' },
  investigation: { zh: '调查取证', en: 'Investigation' },
  decision: { zh: '审查决定', en: 'Review and decision' },
  service: { zh: '送达', en: 'Service' },
  compulsion: { zh: '行政强制', en: 'Compulsion' },
  archiving: { zh: '归档', en: 'Archiving' },
};
export const CONFIDENTIALITY_WORDS: Record<Confidentiality, { zh: string; en: string }> = {
  open: { zh: '公开', en: 'Open' },
  internal: { zh: '内部', en: 'Internal' },
  sensitive: { zh: '敏感', en: 'Sensitive' },
  secret: { zh: '秘密', en: 'Secret' },
};

/** Those words in one language: what the screens' texts have of them. */
export const wordsIn = <K extends string>(words: Record<K, { zh: string; en: string }>, language: 'zh' | 'en'): Record<K, string> =>
  Object.fromEntries(Object.entries<{ zh: string; en: string }>(words).map(([name, each]) => [name, each[language]])) as Record<K, string>;

/** What somebody may write of a case. */
export const CaseFacts = z.object({
  /** 案号, as the brigade writes it; no two cases have the same. */
  number: Name,
  /** 案由. */
  cause: Name,
  /** 当事人. */
  parties: z.array(Name).max(50),
  stage: CaseStage,
  confidentiality: Confidentiality,
  /** Null: the brigade's own. */
  squadId: Id.nullable(),
});
export const CaseCreate = CaseFacts.extend({
  parties: CaseFacts.shape.parties.default([]),
  stage: CaseStage.default('filing'),
  confidentiality: Confidentiality.default('internal'),
  squadId: Id.nullable().default(null),
});
/** `version`: that which was read; whoever comes second is refused. */
export const CaseChange = CaseFacts.partial().extend({ version: z.int() });
export const EnforcementCase = CaseFacts.extend({
  caseId: Id,
  squad: z.string().nullable(),
  /** Operations of this case. */
  operations: z.int(),
  createdMs: HubTimeMs,
  version: z.int(),
  /** The reader may change it. */
  edit: z.boolean(),
});
export type EnforcementCase = z.infer<typeof EnforcementCase>;
/** How a table for spreadsheets is written. `zone`: of the moments in it, as the IANA database names it. */
export const TableStyle = z.object({ lang: z.enum(['zh-CN', 'en']).default('zh-CN'), zone: z.string().max(60).default('UTC') });

export const CASE_SORTS = ['time', 'number', 'stage'] as const;
export const CaseFilter = z.object({
  /** Part of number, cause or a party's name. */
  q: z.string().max(100).default(''),
  stage: CaseStage.optional(),
  confidentiality: Confidentiality.optional(),
  /** `time`: in the order they were made; `stage`: as a case goes through them. */
  sort: z.enum(CASE_SORTS).default('time'),
  order: z.enum(['asc', 'desc']).default('desc'),
});
export type CaseFilter = z.infer<typeof CaseFilter>;
export const CaseExport = CaseFilter.extend(TableStyle.shape);
export const CaseQuery = CaseFilter.extend({
  page: z.coerce.number().int().min(1).max(100_000).default(1),
  size: z.coerce.number().int().min(1).max(100).default(25),
});
export const CaseList = z.object({ cases: z.array(EnforcementCase), total: z.int() });
