import {
  type CaseStage,
  CASE_STAGES,
  type Confidentiality,
  OPERATION_TYPES,
  type OperationType,
  TYPE_WORDS,
} from '../../../server/protocol/cases.ts';

const SURNAMES = [
  ...Array.from('王李张刘陈杨黄赵周吴徐孙马胡朱郭何高林罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任'),
  '欧阳',
  '司马',
  '上官',
];
const GIVEN = Array.from('伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红娥玲芬燕彬鹏浩凯健俊帆帅旭宁龙林阳梅雪琳晨梓轩宇泽楠榕');
const ROADS = Array.from(
  '城东 城西 解放 人民 中山 建设 滨河 和平 新华 学府 迎宾 青年 文化 光明 胜利 团结 兴业 长江 黄河 钱塘 甬江 鼓楼 月湖 天一 柳汀 镇明'.split(
    ' ',
  ),
);
const KINDS = ['路', '街', '大道', '巷'];
const PLACES = ['工业园区', '农贸市场', '幸福小区', '物流中心', '火车站广场', '夜市', '建材市场', '老旧厂房'];
const CAUSES = [
  '未取得建设工程规划许可证擅自建设',
  '占用城市道路经营',
  '违法搭建建筑物',
  '擅自倾倒建筑垃圾',
  '未办理施工许可擅自施工',
  '擅自设置户外广告设施',
  '超标排放油烟',
  '夜间施工噪声扰民',
  '损毁城市绿化',
  '随意堆放物料影响市容',
  '无照经营食品摊点',
  '运输车辆泄漏遗撒',
];
const COMPANIES = ['宏达', '鑫源', '恒泰', '永兴', '金桥', '华盛', '东方', '瑞丰', '天成', '博远'];
const TRADES = ['建筑工程有限公司', '餐饮管理有限公司', '贸易有限公司', '置业有限公司', '物业服务有限公司'];
const ANGLES = ['北门', '南侧', '航拍', '室内', '主机位', '东侧围墙', '执法记录仪', '楼顶'];

/** The same each time: a linear congruential generator (Numerical Recipes, 7.1). */
export class Dice {
  #seed: number;
  constructor(seed: number) {
    this.#seed = seed;
  }
  below(n: number): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#seed / 2 ** 32) * n);
  }
  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }
}

export type MadeCase = { caseId: string; number: string; cause: string; parties: string[]; stage: CaseStage };
export type MadeOperation = {
  number: number;
  operationId: string;
  name: string;
  place: string;
  type: OperationType;
  state: 'planned' | 'live' | 'ended' | 'sealed';
  confidentiality: Confidentiality;
  squads: number[];
  officers: string[];
  angles: string[];
  atMs: number;
  plannedMs: number | null;
  caseOf: MadeCase;
};

export const SQUADS = Array.from('一二三四五六七八九').map((n) => `第${n}中队`);
export const squadId = (squad: number): string => `sq-${squad}`;
const START_MS = Date.UTC(2016, 0, 4);
const STEP_MS = 50 * 60_000;

const person = (dice: Dice): string => dice.one(SURNAMES) + dice.one(GIVEN) + (dice.below(10) < 7 ? dice.one(GIVEN) : '');
const place = (dice: Dice): string =>
  dice.below(5) === 0
    ? `${dice.one(ROADS)}${dice.one(PLACES)}`
    : `${dice.one(ROADS)}${dice.one(KINDS)}${dice.below(900) + 1}号${dice.below(4) === 0 ? `${dice.below(30) + 1}幢` : ''}`;
const company = (dice: Dice): string => `${dice.one(ROADS)}${dice.one(COMPANIES)}${dice.one(TRADES)}`;

/** Ten years of a brigade of nine squads and 200 officers, at this many operations. */
export function* madeUp(operations: number): Generator<MadeOperation> {
  const dice = new Dice(7);
  const officers = Array.from({ length: 200 }, () => person(dice));
  let caseOf = madeCase(dice, 0);
  for (let number = 1; number <= operations; number += 1) {
    if (number % 5 < 3) caseOf = madeCase(dice, number);
    const type = dice.one(OPERATION_TYPES);
    const where = place(dice);
    const left = operations - number;
    const kind = dice.below(100);
    const atMs = START_MS + number * STEP_MS;
    yield {
      number,
      operationId: `20260101-${String(number).padStart(8, '0')}`,
      name: `${TYPE_WORDS[type].zh} ${where}`,
      place: where,
      type,
      state: left < 40 ? (left < 10 ? 'live' : 'planned') : kind < 60 ? 'sealed' : 'ended',
      confidentiality: kind < 70 ? 'internal' : kind < 92 ? 'open' : kind < 98 ? 'sensitive' : 'secret',
      squads: [...new Set([dice.below(SQUADS.length), ...(kind < 10 ? [dice.below(SQUADS.length)] : [])])],
      officers: Array.from({ length: 2 + dice.below(4) }, () => dice.one(officers)),
      angles: Array.from({ length: 1 + dice.below(4) }, () => dice.one(ANGLES)),
      atMs,
      plannedMs: dice.below(2) === 0 ? atMs - dice.below(7 * 86_400_000) : null,
      caseOf,
    };
  }
}

function madeCase(dice: Dice, number: number): MadeCase {
  const year = 2016 + dice.below(11);
  return {
    caseId: `cs-${number}`,
    number: `甬综执罚字〔${year}〕第${String(number).padStart(6, '0')}号`,
    cause: dice.one(CAUSES),
    parties: dice.below(3) === 0 ? [company(dice), person(dice)] : [person(dice)],
    stage: dice.one(CASE_STAGES),
  };
}
