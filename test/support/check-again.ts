import type { Locator, Page } from 'playwright-core';
import { until } from './hub.ts';

/** The check before duty of a capture page has ended. */
export const checked = (page: Page): Promise<void> =>
  until('the check has ended', async () => !['running', null].includes(await page.getByTestId('preflight').getAttribute('data-state')));

/** Have it run once more, to its end. While it runs, which may be short, its uplink is not known. */
export async function checkAgain(page: Page, button: Locator): Promise<void> {
  const begun = page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelector('[data-testid="check-uplink"]')?.dataset.result === 'skipped' && resolve(null);
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-result'] });
  })`);
  await button.click();
  await begun;
  await checked(page);
}
