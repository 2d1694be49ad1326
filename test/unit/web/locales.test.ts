import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CASE_STAGE_WORDS, CONFIDENTIALITY_WORDS, STAGE_WORDS, TYPE_WORDS } from '../../../server/protocol/cases.ts';
import { ApiFailure, errorKey } from '../../../web/composables/api.ts';
import en from '../../../web/locales/en.ts';
import zhCN from '../../../web/locales/zh-CN.ts';

type Texts = { [key: string]: string | Texts };

/** Every text by its whole key. */
const flat = (texts: Texts, path = ''): [string, string][] =>
  Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' ? [[path + key, value]] : flat(value, `${path}${key}.`),
  );
/** What a text leaves open. The forms of a plural leave the same open. */
const openIn = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ''))].toSorted();
const english = new Map(flat(en));
const chinese = new Map(flat(zhCN));

describe('the two languages', () => {
  it('say the same things', () => {
    expect([...chinese.keys()].toSorted()).toEqual([...english.keys()].toSorted());
  });

  it('leave the same open in each', () => {
    for (const [key, text] of english) expect(openIn(chinese.get(key) ?? ''), key).toEqual(openIn(text));
  });

  it.each([
    ['zh', zhCN],
    ['en', en],
  ] as const)('call what lists and the search call it by the same words (%s)', (language, texts) => {
    for (const [words, shown] of [
      [TYPE_WORDS, texts.shots.type],
      [STAGE_WORDS, texts.stage],
      [CASE_STAGE_WORDS, texts.caseStage],
      [CONFIDENTIALITY_WORDS, texts.secrecy],
    ] as const)
      expect(shown).toEqual(Object.fromEntries(Object.entries(words).map(([name, each]) => [name, each[language]])));
  });

  it('tell what was not found, and what stands against something, of whatever it is', () => {
    const key = (code: string, field?: string): string => errorKey(new ApiFailure(code, 'why', field)).key;
    for (const field of ['operationId', 'caseId', 'personId', 'sessionId', 'tokenId'])
      expect([field, english.has(key('not_found', field)), key('not_found', field)]).toEqual([
        field,
        true,
        expect.stringMatching(/error\.no-/),
      ]);
    expect(key('not_found', 'stillId')).toBe('error.not_found');
    expect(english.get('error.not_found')).not.toContain('operation');
    expect(key('conflict')).toBe('error.conflict');
    expect(english.get('error.conflict')).not.toMatch(/angle|device/);
    expect(english.get(key('conflict', 'angleId'))).toContain('angle');
    // a field of a form is called by the form's own word
    expect(key('bad_request', 'personId')).toBe('error.bad_request');
    expect(english.get(key('too_many', 'codes'))).toContain('fifteen minutes');
  });

  it.each(['en', 'zh-CN'])('have no key in two files, of which one would be lost (%s)', async (language) => {
    const dir = fileURLToPath(new URL(`../../../web/locales/${language}/`, import.meta.url));
    const keys: string[] = [];
    for (const name of readdirSync(dir)) keys.push(...Object.keys(((await import(dir + name)) as { default: Texts }).default));
    expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
    expect(keys.toSorted()).toEqual(Object.keys(language === 'en' ? en : zhCN).toSorted());
  });
});
