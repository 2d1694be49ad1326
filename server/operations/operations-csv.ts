import { CONFIDENTIALITY_WORDS, STAGE_WORDS, TYPE_WORDS } from '../protocol/cases.ts';
import type { ExportedOperation } from '../store/operation-export.ts';
import { type Column, list } from './csv.ts';

/** Operations for a spreadsheet. */
export const OPERATION_COLUMNS: Column<ExportedOperation>[] = [
  ['编号', 'Number', (of) => String(of.number)],
  ['行动名称', 'Operation', (of) => of.name],
  ['状态', 'State', (of, { word }) => word(STAGE_WORDS[of.state])],
  ['行动类型', 'Type', (of, { word }) => (of.type === null ? '' : word(TYPE_WORDS[of.type]))],
  ['地点', 'Place', (of) => of.place ?? ''],
  ['纬度', 'Latitude', (of) => String(of.latitude ?? '')],
  ['经度', 'Longitude', (of) => String(of.longitude ?? '')],
  ['计划时间', 'Planned', (of, { time }) => time(of.plannedMs)],
  ['开始时间', 'Begun', (of, { time }) => time(of.startedMs)],
  ['结束时间', 'Ended', (of, { time }) => time(of.endedMs)],
  ['案号', 'Case number', (of) => of.case?.number ?? ''],
  ['案由', 'Cause', (of) => of.case?.cause ?? ''],
  ['当事人', 'Parties', (of) => list(of.parties)],
  ['中队(组)', 'Squads', (of) => list(of.squads)],
  ['执法人员', 'Officers', (of) => list(of.officers)],
  ['机位', 'Angles', (of) => list(of.angleNames)],
  ['最少机位', 'Angles required', (of) => String(of.requiredAngles)],
  ['未录制', 'Not recorded', (of, { word }) => (of.unrecorded ? word({ zh: '是', en: 'yes' }) : '')],
  ['密级', 'Confidentiality', (of, { word }) => word(CONFIDENTIALITY_WORDS[of.confidentiality])],
  ['行动标识', 'Operation id', (of) => of.operationId],
];
