/** What a spreadsheet would take for a formula: it gets a quote before it, so that it is text (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;
/** Excel reads UTF-8 only with the mark at its beginning. */
const BOM = '\u{FEFF}';

const cell = (text: string): string => {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const line = (row: string[]): string => `${row.map(cell).join(',')}\r\n`;

/** A column's heads in both languages, and what stands in it. */
export type Column<T> = [zh: string, en: string, text: (of: T, how: Writing) => string];
export type Writing = { time: (ms: number | null) => string; word: (words: { zh: string; en: string }) => string };
export type Lang = 'zh-CN' | 'en';

/**
 * A table as RFC 4180 has it, safe to open in a spreadsheet, line by line as its rows come: it may have any number of them.
 * `zone`: of its moments. Throws RangeError when there is no such time zone.
 */
export async function* csvLines<T>(columns: Column<T>[], rows: AsyncIterable<T>, lang: Lang, zone: string): AsyncGenerator<string> {
  const word: Writing['word'] = (words) => (lang === 'en' ? words.en : words.zh);
  const how: Writing = { time: timeWriter(zone), word };
  yield BOM + line(columns.map(([zh, en]) => word({ zh, en })));
  for await (const row of rows) yield line(columns.map(([, , text]) => text(row, how)));
}

/** Several names in one cell. */
export const list = (names: string[]): string => names.join('、');

/** Moments as people there read them: `2026-03-01 09:30:00`. Throws RangeError when there is no such zone. */
export function timeWriter(zone: string): (ms: number | null) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return (ms) => (ms === null ? '' : format.format(ms));
}
