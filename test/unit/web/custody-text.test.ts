import { createSSRApp } from 'vue';
import { createI18n } from 'vue-i18n';
import { renderToString } from 'vue/server-renderer';
import { beforeAll, describe, expect, it } from 'vitest';
import { AlarmCode } from '../../../media/protocol/alarms.ts';
import type { CustodyLine } from '../../../server/protocol/custody.ts';
import { dateTime } from '../../../web/composables/format.ts';
import { useCustodyText } from '../../../web/composables/use-custody-text.ts';
import en from '../../../web/locales/en.ts';
import zhCN from '../../../web/locales/zh-CN.ts';

type Text = ReturnType<typeof useCustodyText>;
let text: Text;
beforeAll(async () => {
  const i18n = createI18n({ legacy: false, locale: 'zh-CN', messages: { 'zh-CN': zhCN, en } });
  const names = new Map([['sq-one', '一中队']]);
  const app = createSSRApp({
    setup() {
      text = useCustodyText(() => names);
      return () => null;
    },
  });
  await renderToString(app.use(i18n));
});

const line = (what: string, detail: CustodyLine['detail'], subject: string | null = null): CustodyLine => ({
  seq: 1,
  atMs: 0,
  what,
  who: { kind: 'hub', id: null, name: null, address: null },
  operationId: null,
  angleId: null,
  subject,
  outcome: 'done',
  late: false,
  hidden: false,
  detail,
});
const read = (what: string, detail: CustodyLine['detail']) => Object.fromEntries(text.details(line(what, detail)));

describe('a line of the custody log is read in words', () => {
  it('an exported list: by what it was narrowed, its moments as moments', () => {
    const [from, to] = [1_785_513_600_000, 1_785_600_000_000];
    const asked = { state: ['ended'], type: ['demolition'], squad: 'sq-one', confidentiality: 'secret', missing: 'recording', from, to };
    expect(
      read('export', { exported: 'operations', q: '东街', ...asked, sort: 'planned', order: 'asc', lang: 'zh-CN', zone: 'Asia/Shanghai' }),
    ).toEqual({
      导出内容: '行动列表',
      搜索: '东街',
      [zhCN.cases.stage]: zhCN.stage.ended,
      [zhCN.op.type]: zhCN.shots.type.demolition,
      [zhCN.op.squad]: '一中队 (sq-one)',
      [zhCN.op.secrecy]: zhCN.secrecy.secret,
      [zhCN.board.missing]: zhCN.board.without.recording,
      [zhCN.board.from]: dateTime(from),
      [zhCN.board.to]: dateTime(to),
      [zhCN.board.sort]: '按计划时间',
      次序: '升序',
      语言: '中文',
      时区: 'Asia/Shanghai',
    });
    expect(read('export', { exported: 'cases', stage: 'filing' })).toEqual({
      导出内容: '案件列表',
      [zhCN.cases.stage]: zhCN.caseStage.filing,
    });
    expect(read('take.moved', { from: { operationId: 'op-1' } })).toEqual({ 原位置: '行动 op-1' });
  });

  it('a permission that was lacking, an alarm, and whose shot list it was', () => {
    expect(read('refused', { permission: 'operation.plan' })).toEqual({ 所需权限: zhCN.permission.operation.plan });
    expect(read('alarm.dismissed', { alarm: 'not-writable:/data/a:b' })).toEqual({ 报警: '文件夹不可写 · /data/a:b' });
    expect(read('alarm.dismissed', { alarm: 'clock-stepped' })).toEqual({ 报警: '本机时钟被改动' });
    for (const texts of [en, zhCN]) expect(Object.keys(texts.custody.alarm)).toEqual(AlarmCode.options);
    expect(text.aboutText(line('shot-list.changed', {}, 'demolition'))).toBe(zhCN.shots.type.demolition);
    expect(text.aboutText(line('squad.changed', {}, 'sq-one'))).toBe('一中队 (sq-one)');
  });

  it('why something failed: in a sentence, or as the hub wrote it where its code has none', () => {
    expect(read('case.made', { why: 'it is full', code: 'unprocessable' })).toEqual({ 原因: 'it is full' });
    expect(read('case.made', { why: 'secret paths', code: 'internal' })).toEqual({ 原因: zhCN.error.internal });
    expect(read('takeover.answered', { why: 'nobody asks', code: 'not_found', field: 'requestId' })).toEqual({
      原因: zhCN.error['takeover-over'],
    });
    expect(read('case.made', { why: 'there is one', code: 'conflict', field: 'number' })).toEqual({ 原因: zhCN.cases.taken });
  });
});
