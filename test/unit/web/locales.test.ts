import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
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

  it.each(['en', 'zh-CN'])('have no key in two files, of which one would be lost (%s)', async (language) => {
    const dir = fileURLToPath(new URL(`../../../web/locales/${language}/`, import.meta.url));
    const keys: string[] = [];
    for (const name of readdirSync(dir)) keys.push(...Object.keys(((await import(dir + name)) as { default: Texts }).default));
    expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
    expect(keys.toSorted()).toEqual(Object.keys(language === 'en' ? en : zhCN).toSorted());
  });
});
