import { CONFIDENTIALITY, OPERATION_TYPES } from '../../../server/protocol/cases.ts';
import { OPERATION_SORTS, OperationQuery } from '../../../server/protocol/operations.ts';
import { Dice, madeUp, SQUADS, squadId } from './made-up.ts';

/** Words on almost every row, on some, on few, on none: of each length, in both languages. */
const WORDS = {
  two: ['拆除', '中队', '北门', '许可', '城东', '王伟', '施工', '夜市', '龘靐'],
  three: ['强制拆', '城东路', '有限公', '记录仪', '先行登', '火车站'],
  long: ['擅自倾倒建筑垃圾', '建筑工程有限公司', '强制拆除违法建筑'],
  one: ['路', '号', '王', '第', '5', 'e'],
  english: ['demolition', 'Forced', 'hear', 'on-site inspection', 'xylophone'],
  number: ['2024', '第0', '99', '007', '12号', '〔2020〕第05'],
  several: ['王 拆除', '城东 夜市', '中队 北门 hearing', '2023 施工 三'],
  none: [''],
};
export type Kind = keyof typeof WORDS | 'person' | 'case';
export type Asked = { kind: Kind; query: OperationQuery };

/** Made from a seed: words that were made up too, and officers, parties and case numbers that stand in the lists. */
export function queries(count: number, operations: number): Asked[] {
  const dice = new Dice(11);
  const some = [...madeUp(Math.min(operations, 4000))];
  const kinds = [...(Object.keys(WORDS) as (keyof typeof WORDS)[]), 'person', 'person', 'case'] as const;
  const word = (kind: Kind): string => {
    const one = dice.one(some);
    if (kind === 'person') return dice.one([...one.officers, ...one.caseOf.parties]);
    return kind === 'case' ? one.caseOf.number.slice(dice.below(8)) : dice.one(WORDS[kind]);
  };
  return Array.from({ length: count }, (_, i) => {
    const kind = kinds[i % kinds.length] ?? 'none';
    const given = {
      q: word(kind),
      sort: dice.below(2) === 0 ? 'number' : dice.one(OPERATION_SORTS),
      order: dice.one(['asc', 'desc']),
      page: dice.below(8) === 0 ? 1 + dice.below(20) : 1,
      ...(dice.below(5) === 0 ? { state: dice.one(['planned', 'live', 'ended', 'sealed', ['ended', 'sealed']]) } : {}),
      ...(dice.below(5) === 0 ? { type: dice.one(OPERATION_TYPES) } : {}),
      ...(dice.below(5) === 0 ? { squad: squadId(dice.below(SQUADS.length)) } : {}),
      ...(dice.below(8) === 0 ? { confidentiality: dice.one(CONFIDENTIALITY) } : {}),
      ...(dice.below(8) === 0 ? { from: Date.UTC(2018 + dice.below(5), 0), to: Date.UTC(2023 + dice.below(4), 0) } : {}),
    };
    return { kind, query: OperationQuery.parse(given) };
  });
}

/** As an address has it. */
export function addressOf(query: OperationQuery): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each): [string, string] => [name, String(each)]),
  );
  return `/operations?${new URLSearchParams(pairs).toString()}`;
}
