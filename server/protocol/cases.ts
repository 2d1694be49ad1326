import { z } from 'zod';

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
