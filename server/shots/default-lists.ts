import type { OperationType } from '../protocol/cases.ts';
import type { ShotItem } from '../protocol/shots.ts';

const shot = (zh: string, en: string): ShotItem => ({ zh, en });
const REFUSAL = shot('当事人不配合、阻挠或抗拒的全过程（如有）', 'Non-co-operation, obstruction or resistance, all of it (if any)');
const IDENTITY = shot('表明身份、出示执法证件', 'Officers say who they are and show their cards');

/** What R10 asks of things that are kept or taken away. */
const ITEMS = [
  shot('物品的种类', 'The items: of what kind'),
  shot('物品的数量，逐件清点', 'The items: how many, counted one by one'),
  shot('物品的主要特征：品牌、型号、编号、成色', 'The items: main features, make, model, number, condition'),
  shot('在场人员：当事人、见证人、执法人员', 'Persons present: party, witness, officers'),
  shot('物品所在的周边环境', 'The surroundings of the items'),
];

/**
 * The first edition of each type's list, put in where there is none. Demolition, sealing, seizure, registration, service and
 * hearing say what R10 asks; the others what R9 and R12 name them for. The legal unit edits them from there.
 */
export const DEFAULT_LISTS: Record<OperationType, ShotItem[]> = {
  inspection: [
    IDENTITY,
    shot('现场方位和外部全貌', 'Where the scene is, and all of it from outside'),
    shot('现场内部和被检查的部位', 'Inside, and each part that is inspected'),
    shot('发现的问题：细节、测量过程和读数', 'What is found: details, measuring, readings'),
    shot('在场人员：当事人、见证人、执法人员', 'Persons present: party, witness, officers'),
    shot('笔录的核对和签字', 'The record being read over and signed'),
    REFUSAL,
  ],
  questioning: [
    IDENTITY,
    shot('告知权利和义务', 'Rights and duties are told'),
    shot('询问全过程', 'The questioning, all of it'),
    shot('被询问人核对笔录并签字', 'The person questioned reads the record over and signs'),
    REFUSAL,
  ],
  registration: [...ITEMS, shot('登记保存清单的核对和签字', 'The list of what is preserved, checked and signed'), REFUSAL],
  seizure: [
    ...ITEMS,
    shot('钱款的交接过程（如有没收）', 'Money being handed over (where there is confiscation)'),
    shot('没收的物品（如有没收）', 'What is confiscated (where there is confiscation)'),
    shot('物品的销毁过程（如有销毁）', 'Its destruction (where it is destroyed)'),
    REFUSAL,
  ],
  sealing: [
    shot('查封前：施工现场外部', 'Before: the site from outside'),
    shot('查封前：施工现场内部', 'Before: the site inside'),
    shot('张贴查封决定书、公告和封条', 'Decision, notice and seals being posted'),
    shot('查封后：施工现场外部', 'Afterwards: the site from outside'),
    shot('查封后：施工现场内部', 'Afterwards: the site inside'),
    REFUSAL,
  ],
  hearing: [
    shot('听证开始：核对到场人员、宣布纪律', 'It opens: who is present, the rules are read'),
    shot('听证全过程：陈述、申辩和质证', 'The hearing, all of it: statements, defence, evidence'),
    shot('听证结束：核对笔录并签字', 'It closes: the record is read over and signed'),
  ],
  demolition: [
    shot('拆除前：建筑外部全貌', 'Before: the building from outside, all of it'),
    shot('拆除前：建筑内部各处', 'Before: inside, every room'),
    shot('物品的清点和搬离过程', 'Contents being listed and moved out'),
    shot('搬离物品的存放和保管', 'How the contents are kept'),
    shot('清空后的现场', 'The emptied site'),
    shot('拆除过程', 'The demolition itself'),
    shot('拆除后的现场', 'The site afterwards'),
    shot('当事人的配合或抗拒情况', 'Co-operation or resistance of the party'),
  ],
  service: [
    shot('送达过程', 'The service itself'),
    shot('送达的文书', 'The document served'),
    shot('受送达人，或留置、张贴的地点', 'The recipient, or the place where it is left or posted'),
    shot('见证人', 'The witness'),
    REFUSAL,
  ],
  other: [shot('现场全貌', 'The scene, all of it'), shot('与当事人接触的全过程', 'The contact with the party, all of it'), REFUSAL],
  campaign: [
    shot('整治前的现场', 'The scene before'),
    shot('整治全过程', 'The campaign itself, all of it'),
    shot('涉及的物品和人员', 'Items and persons concerned'),
    shot('整治后的现场', 'The scene afterwards'),
    shot('当事人的配合或抗拒情况', 'Co-operation or resistance of the parties'),
  ],
};
