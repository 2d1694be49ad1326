import type { Page } from 'playwright-core';

/** From the page to the hub, or from there. */
type Direction = 'up' | 'down';
export type Held = {
  /** How many messages wait. */ count: () => number;
  /** They go on, and so do those that follow. */ release: () => void;
};
export type SlowWay = (direction: Direction, what: RegExp) => Held;

/** Between a page and the hub, from the next connection on: signalling that looks like what is to be held waits until it is released. */
export async function slowWay(page: Page): Promise<SlowWay> {
  const holds = new Set<{ direction: Direction; what: RegExp; waiting: (() => void)[] }>();
  const pass = (direction: Direction, message: string | Buffer, go: () => void): void => {
    const hold = [...holds].find((each) => each.direction === direction && each.what.test(String(message)));
    if (hold) hold.waiting.push(go);
    else go();
  };
  await page.routeWebSocket(/\/socket\.io\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => pass('up', message, () => server.send(message)));
    server.onMessage((message) => pass('down', message, () => socket.send(message)));
  });
  return (direction, what) => {
    const hold = { direction, what, waiting: [] as (() => void)[] };
    holds.add(hold);
    return {
      count: () => hold.waiting.length,
      release: () => {
        holds.delete(hold);
        for (const go of hold.waiting) go();
      },
    };
  };
}
