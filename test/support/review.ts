import type { Locator } from 'playwright-core';

export type Stretch = { fromMs: number; toMs: number; withheld: number; missing: number };
/** Where the time line begins, its gaps, and the damage: hub time, as a player is told it. */
export type ToldPlaylist = { beginMs: number; gaps: { fromMs: number; toMs: number }[]; damage: Stretch[] };

/** A media playlist, read with nothing of ours. */
export function readPlaylist(text: string): ToldPlaylist {
  const entries = [...text.matchAll(/PROGRAM-DATE-TIME:(\S+)\n(#EXT-X-GAP\n)?#EXTINF:([\d.]+)/g)].map(([, date = '', gap, length]) => ({
    fromMs: Date.parse(date),
    toMs: Date.parse(date) + Number(length) * 1000,
    gap: gap !== undefined,
  }));
  const ranges = [...text.matchAll(/damage",START-DATE="([^"]+)",END-DATE="([^"]+)".*X-WITHHELD=(\d+),X-MISSING=(\d+)/g)];
  const stretches = ranges.map(([, from = '', to = '', withheld, missing]) => ({
    fromMs: Date.parse(from),
    toMs: Date.parse(to),
    withheld: Number(withheld),
    missing: Number(missing),
  }));
  return { beginMs: entries[0]?.fromMs ?? 0, gaps: entries.filter(({ gap }) => gap), damage: stretches };
}

type Context = { drawImage: (...args: unknown[]) => void; getImageData: (...args: number[]) => { data: Uint8ClampedArray } };
type Player = { seeking: boolean; currentTime: number };
type Canvas = { width: number; height: number; getContext: (kind: '2d') => Context };
type Shown = {
  ownerDocument: { createElement: (name: 'canvas') => Canvas; defaultView: { getComputedStyle: (of: unknown) => { filter: string } } };
};

/** What the video shows, as a hash: equal for the same picture. */
export const pictureOf = (video: Locator): Promise<number> =>
  video.evaluate((element: Shown) => {
    const canvas = element.ownerDocument.createElement('canvas');
    [canvas.width, canvas.height] = [320, 180];
    const context = canvas.getContext('2d');
    context.drawImage(element, 0, 0, 320, 180);
    let hash = 7;
    for (const byte of context.getImageData(0, 0, 320, 180).data) hash = (hash * 31 + byte) | 0;
    return hash;
  });
/** The CSS filter that the picture is shown through. */
export const filterOf = (video: Locator): Promise<string> =>
  video.evaluate((element: Shown) => element.ownerDocument.defaultView.getComputedStyle(element).filter);
export const positionOf = (video: Locator): Promise<Player> =>
  video.evaluate(({ seeking, currentTime }: Player) => ({ seeking, currentTime }));
