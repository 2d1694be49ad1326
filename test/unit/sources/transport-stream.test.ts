import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSet, type StreamItem } from '../../../media/sources/stream/items.ts';
import { TsItems } from '../../../media/sources/stream/ts-items.ts';
import { TsWriter } from '../../../media/sources/stream/ts-writer.ts';
import { itemsOf, messagesOf, pushed as bytes } from '../../support/pushed-rtmp.ts';

const pushed = itemsOf(messagesOf(bytes));

const written = (): Buffer => {
  const writer = new TsWriter({ video: 'H264', audio: true });
  return Buffer.concat(pushed.map((item) => writer.write(item)));
};
function read(bytes: Buffer, size: number): StreamItem[] {
  const items: StreamItem[] = [];
  const reader = new TsItems((item) => items.push(item));
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  reader.flush();
  return items;
}
/** Items as text, by kind, without parameter sets, which the writer repeats. */
const shown = (items: StreamItem[], kind: 'video' | 'audio'): string[] =>
  items.flatMap((item) => {
    if (item.kind !== kind) return [];
    if (item.kind === 'audio') return [`${item.ticks} ${item.config.toString('hex').slice(0, 4)} ${item.frame.toString('hex')}`];
    const nals = item.nals.filter((nal) => !isSet(item.codec, nal));
    return nals.length === 0 ? [] : [`${item.ticks} ${nals.map((nal) => nal.toString('hex')).join(' ')}`];
  });

describe('MPEG-TS', () => {
  it.each([188, 1, 1000])('is read as it is written, in pieces of %i bytes', (size) => {
    const items = read(written(), size);
    expect(shown(items, 'video')).toHaveLength(30);
    expect(shown(items, 'video')).toEqual(shown(pushed, 'video'));
    expect(shown(items, 'audio')).toEqual(shown(pushed, 'audio'));
  });

  it('gives a reader that comes later the tables and parameter sets at the next key frame', () => {
    const bytes = written();
    const items = read(bytes.subarray(188 * Math.floor(bytes.length / 2 / 188 / 2)), 188);
    const first = items.find((item) => item.kind === 'video');
    expect(first?.kind === 'video' && first.nals.some((nal) => isSet('H264', nal))).toBe(true);
  });

  it('mutated, throws nothing', () => {
    const bytes = written();
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 4000 }), (changed, size) => {
        const mutated = Buffer.from(bytes);
        for (const [at, value] of changed) mutated[at] = value;
        read(mutated, size);
      }),
      { numRuns: 200 },
    );
  });
});
