/** What a spreadsheet would take for a formula: it gets a quote before it, so that it is text (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;
/** Excel reads UTF-8 only with the mark at its beginning. */
const BOM = '\u{FEFF}';

const cell = (text: string): string => {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** A table as RFC 4180 has it, safe to open in a spreadsheet. */
export const csvText = (rows: string[][]): string => BOM + rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');

/** Moments as people there read them: `2026-03-01 09:30:00`. Throws RangeError when there is no such zone. */
export function timeWriter(zone: string): (ms: number | null) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return (ms) => (ms === null ? '' : format.format(ms));
}
