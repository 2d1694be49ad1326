import { CONFIDENTIALITY_WORDS, STAGE_WORDS, TYPE_WORDS } from '../protocol/cases.ts';
import type { ExportedOperation } from '../store/operation-export.ts';
import { csvText, timeWriter } from './csv.ts';

type Writing = { time: (ms: number | null) => string; word: (words: { zh: string; en: string }) => string };
type Column = [zh: string, en: string, text: (of: ExportedOperation, how: Writing) => string];

const list = (names: string[]): string => names.join('、');
const COLUMNS: Column[] = [
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
  ['密级', 'Confidentiality', (of, { word }) => word(CONFIDENTIALITY_WORDS[of.confidentiality])],
  ['行动标识', 'Operation id', (of) => of.operationId],
];

/** Operations for a spreadsheet, in one language. Throws RangeError when there is no such time zone. */
export function operationsCsv(operations: ExportedOperation[], lang: 'zh-CN' | 'en', zone: string): string {
  const how: Writing = { time: timeWriter(zone), word: (words) => (lang === 'en' ? words.en : words.zh) };
  const heads = COLUMNS.map(([zh, en]) => (lang === 'en' ? en : zh));
  return csvText([heads, ...operations.map((of) => COLUMNS.map(([, , text]) => text(of, how)))]);
}
