import { expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from '../support/hub.ts';

it('two hubs that are started at once are not given one port by chance, though neither has bound it yet', async () => {
  const chance = Math.random();
  const random = vi.spyOn(Math, 'random').mockReturnValueOnce(chance).mockReturnValueOnce(chance);
  onTestFinished(() => random.mockRestore());
  expect(await freePort()).not.toBe(await freePort());
});
