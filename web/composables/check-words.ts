import type { PreflightCheck } from '../../server/protocol/preflight.ts';
import { megabytes } from './format.ts';

export const SIGNS = { pass: '✔', warn: '!', fail: '✖', unavailable: '–', skipped: '–' } as const;

type Translate = (key: string, named?: Record<string, unknown>) => string;

/** What was measured, in a word or two; nothing where there is no figure. */
export function checkValue(t: Translate, { name, facts }: PreflightCheck): string {
  const figure = (key: string): number => Number(facts[key] ?? 0);
  if (Object.keys(facts).length === 0) return '';
  if (name === 'camera') return facts['picture'] ? `${figure('width')}×${figure('height')}` : t('check.noPicture');
  if (name === 'microphone') return facts['heard'] === undefined ? '' : t(facts['heard'] ? 'check.heard' : 'check.silent');
  if (name === 'network') return t('check.roundTrip', { n: Math.round(figure('roundTripMs')) });
  if (name === 'uplink') return t(facts['bound'] ? 'check.rateAtMost' : 'check.rate', { n: (figure('bitsPerSecond') / 1e6).toFixed(1) });
  if (name === 'battery') return t(facts['charging'] ? 'check.charging' : 'check.percent', { n: figure('percent') });
  if (name === 'storage') return megabytes(figure('freeBytes'));
  return t('check.offset', { n: offsetWords(figure('offsetMs')) });
}

/** `+0.12 s`; a phone that is minutes wrong needs no hundredths. */
function offsetWords(offsetMs: number): string {
  const seconds = offsetMs / 1000;
  return `${seconds < 0 ? '−' : '+'}${Math.abs(seconds).toFixed(Math.abs(seconds) < 10 ? 2 : 0)} s`;
}
