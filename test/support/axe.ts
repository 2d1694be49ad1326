import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { SETTLED } from './console-page.ts';

export const THEMES = ['dark', 'light'] as const;
/** What keeps somebody from using the page as it stands: axe's serious and critical findings, with where. */
export async function faults(page: Page): Promise<string[]> {
  await page.evaluate(SETTLED); // a colour that fades is none that axe could judge
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} (${any[0]?.message ?? ''})`).join('\n  ')}`);
}

/** The same in these themes, for whoever has not chosen one, by theme; none where there are none. */
export async function themeFaults(page: Page, themes: readonly (typeof THEMES)[number][] = THEMES): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await expect.poll(() => page.locator('html').getAttribute('data-theme')).toBe(colorScheme);
    const here = await faults(page);
    if (here.length > 0) found[colorScheme] = here;
  }
  return found;
}

const SMALL = `[...document.querySelectorAll('button, select, input, textarea, summary')]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !['checkbox', 'radio'].includes(one.type) && !one.closest('.sr-only'))
  .filter((one) => one.getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 160))`;
/** Buttons and fields of a phone's page that are lower than a thumb needs: 44 CSS pixels (WCAG 2.2, 2.5.5). */
export const smallTargets = (page: Page): Promise<string[]> => page.evaluate<string[]>(SMALL);
