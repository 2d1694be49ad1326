import { describe, expect, it } from 'vitest';
import { createI18n } from 'vue-i18n';
import { WHATS } from '../../../server/custody/lines.ts';
import { PERMISSION_NAMES } from '../../../server/permission/rules.ts';
import { custodyDetails } from '../../../web/composables/custody-details.ts';
import en from '../../../web/locales/en.ts';
import zhCN from '../../../web/locales/zh-CN.ts';

const at = (texts: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], texts);

describe.each([
  ['en', en],
  ['zh-CN', zhCN],
])('in %s there are words', (_, texts) => {
  it('for all that the custody log tells of', () => {
    for (const what of [...WHATS, 'log.opened', 'log.dropped']) expect(at(texts.custody.what, what), what).toBeTypeOf('string');
  });

  it('for every permission', () => {
    for (const permission of PERMISSION_NAMES) expect(at(texts.permission, permission), permission).toBeTypeOf('string');
  });
});

describe('the details of a line', () => {
  const i18n = createI18n({ legacy: false, locale: 'zh-CN', messages: { 'zh-CN': zhCN } }).global;
  const names = new Map([['sq-1', '一中队']]);
  const words = {
    t: (key: string) => i18n.t(key),
    te: (key: string) => i18n.te(key),
    locale: 'zh-CN',
    nameOf: (id: string) => names.get(id) ?? id,
  };
  const told = (detail: Record<string, unknown>, what = 'operation.changed') => custodyDetails({ what, detail }, words);

  it('are told in words, not as the API has them', () => {
    const facts = { name: '拆除', type: 'demolition', confidentiality: 'sensitive', squadIds: ['sq-1', 'sq-2'], officers: [] };
    const officers = [{ personId: null, name: '王伟' }, { personId: 'pe-1', name: '李强' }]; // prettier-ignore
    expect(told({ ...facts, officers, planned: true, version: 3, place: null })).toEqual([
      ['名称', '拆除'],
      ['类型', '强制拆除违法建筑'],
      ['密级', '敏感'],
      ['中队(组)', '一中队、sq-2'],
      ['执法人员', '王伟、李强'],
      ['计划', '是'],
    ]);
    expect(told({ roles: [{ role: 'operator', squadId: 'sq-1' }, { role: 'legal', squadId: null }] })).toEqual([
      ['角色', '拍摄员 · 一中队、法制股 · 全大队'],
    ]); // prettier-ignore
    expect(told({ why: 'wrong code', begins: true, items: [{ zh: '门牌', en: 'Door' }] })).toEqual([
      ['原因', '动态验证码错误'],
      ['观看', '开始'],
      ['要点清单', '门牌'],
    ]);
  });

  it('leave names as they were typed, and settings as before and after', () => {
    expect(told({ passkey: 'passkey', name: 'password' })).toEqual([
      ['通行密钥', 'passkey'],
      ['名称', 'password'],
    ]);
    expect(told({ LISTEN: [null, '0.0.0.0'], PORT: ['80', '443'] }, 'setting.changed')).toEqual([
      ['LISTEN', '– → 0.0.0.0'],
      ['PORT', '80 → 443'],
    ]);
  });
});
