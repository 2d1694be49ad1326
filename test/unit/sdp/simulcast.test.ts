import { describe, expect, it } from 'vitest';
import { parseSdp } from '../../../server/sdp/parse.ts';
import { layersOf } from '../../../server/sdp/simulcast.ts';

const layers = (list: string, rids: string[]): string[] => {
  const text = ['v=0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', ...rids.map((rid) => `a=rid:${rid}`), `a=simulcast:${list}`].join('\r\n');
  const [section] = parseSdp(text, 'test').media;
  if (!section) throw new Error('there is one');
  return layersOf(section);
};
const plain = (...rids: string[]): string[] =>
  layers(
    `send ${rids.join(';')}`,
    rids.map((rid) => `${rid} send`),
  );

describe('layers, the lowest first', () => {
  it('by restrictions on them, before all else', () => {
    expect(layers('send l;h', ['l send max-width=1280;max-height=720', 'h send max-width=640;max-height=360'])).toEqual(['h', 'l']);
    expect(layers('send 0;1', ['0 send pt=96;max-fs=3600', '1 send pt=96;max-fs=8160'])).toEqual(['0', '1']);
  });

  it('by the names that senders give', () => {
    expect(plain('h', 'm', 'l')).toEqual(['l', 'm', 'h']);
    expect(plain('q', 'h', 'f')).toEqual(['q', 'h', 'f']);
    expect(plain('f', 'h', 'q')).toEqual(['q', 'h', 'f']);
    expect(plain('hi', 'lo')).toEqual(['lo', 'hi']);
    expect(plain('r2', 'r0', 'r1')).toEqual(['r0', 'r1', 'r2']);
  });

  it('by number as OBS counts, else as WebRTC scales them by default', () => {
    expect(plain('0', '1', '2')).toEqual(['2', '1', '0']);
    expect(plain('small', 'large')).toEqual(['small', 'large']);
  });

  it('of alternatives the first, of paused ones all, of what is received none', () => {
    expect(layers('send a,b;~c', ['a send', 'b send', 'c send'])).toEqual(['a', 'c']);
    expect(layers('recv a;b send c;d', ['a recv', 'b recv', 'c send', 'd send'])).toEqual(['c', 'd']);
    expect(layers('recv a', ['a recv'])).toEqual([]);
  });
});
