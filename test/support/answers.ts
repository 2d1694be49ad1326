import type { Page } from 'playwright-core';

/** How many requests that look so a page has made of the hub by its socket, and been answered: from its next socket on. */
export function answersOf(page: Page): (what: RegExp) => number {
  const answered: string[] = [];
  page.on('websocket', (socket) => {
    const open = new Map<string, string>();
    // socket.io: a request has a number, and its answer the same
    socket.on('framesent', ({ payload }) => {
      const [text, number] = /^42\/\w+,(\d+)\[.*/s.exec(String(payload)) ?? [];
      if (text !== undefined && number !== undefined) open.set(number, text);
    });
    socket.on('framereceived', ({ payload }) => {
      const [, number = ''] = /^43\/\w+,(\d+)\[/.exec(String(payload)) ?? [];
      const request = open.get(number);
      if (request !== undefined) answered.push(request);
      open.delete(number);
    });
  });
  return (what) => answered.filter((request) => what.test(request)).length;
}
