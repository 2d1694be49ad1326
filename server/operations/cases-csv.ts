import { CASE_STAGE_WORDS, CONFIDENTIALITY_WORDS } from '../protocol/cases.ts';
import type { KnownCase } from '../store/cases.ts';
import { type Column, list } from './csv.ts';

/** Cases for a spreadsheet. */
export const CASE_COLUMNS: Column<KnownCase>[] = [
  ['案号', 'Case number', (of) => of.number],
  ['案由', 'Cause', (of) => of.cause],
  ['当事人', 'Parties', (of) => list(of.parties)],
  ['办理阶段', 'Stage', (of, { word }) => word(CASE_STAGE_WORDS[of.stage])],
  ['密级', 'Confidentiality', (of, { word }) => word(CONFIDENTIALITY_WORDS[of.confidentiality])],
  ['中队', 'Squad', (of, { word }) => of.squad ?? word({ zh: '全大队', en: 'Whole brigade' })],
  ['行动数', 'Operations', (of) => String(of.operations)],
  ['建立时间', 'Made', (of, { time }) => time(of.createdMs)],
  ['案件标识', 'Case id', (of) => of.caseId],
];
