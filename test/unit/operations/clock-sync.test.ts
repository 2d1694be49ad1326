import { expect, it } from 'vitest';
import { machineSynchronised, readSynchronised } from '../../../media/operations/clock-sync.ts';

it('says what timedatectl says of the clock, and nothing where that is not to be had', async () => {
  expect([readSynchronised('yes\n'), readSynchronised('no\n'), readSynchronised('')]).toEqual([true, false, null]);
  expect([true, false, null]).toContain(await machineSynchronised());
});
