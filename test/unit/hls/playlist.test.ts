import { describe, expect, it } from 'vitest';
import { mediaPlaylist } from '../../../media/hls/playlist.ts';
import type { Mark } from '../../../media/protocol/marks.ts';
import type { SegmentLine, TrackInfo } from '../../../media/recordings/lines.ts';
import type { RecordedOperation, RecordedTake } from '../../../media/recordings/read.ts';

const T0 = Date.UTC(2026, 10, 24, 3, 0, 0);
const PICTURE: TrackInfo[] = [{ trackId: 1, kind: 'video', codec: 'avc3.42c01f', timescale: 90_000 }];
const SOUND: TrackInfo[] = [{ trackId: 2, kind: 'audio', codec: 'opus', timescale: 48_000 }];

function segment(atMs: number, durationMs: number, mediaMs: number, init = 'init-1.mp4'): SegmentLine {
  const cell = Math.floor((T0 + atMs) / 4000);
  const facts = {
    type: 'segment' as const,
    file: `${cell}-0.m4s`,
    init,
    cell,
    part: 0,
    startMs: T0 + atMs,
    offsetMs: 0,
    mediaMs,
    durationMs,
  };
  const counts = {
    frames: 1,
    withheld: 0,
    missing: 0,
    audioFrames: 0,
    audioMissing: 0,
    fragments: 1,
    sizeBytes: 1,
    sha256: '0'.repeat(64),
  };
  const clock = { alignmentErrorMs: 1, method: 'sender-report' as const, clockOffsetMs: 0, driftPpm: 0 };
  return { ...facts, ...counts, ...clock, damage: [], overrunMs: 0 };
}
function take(angleId: string, takeId: string, segments: SegmentLine[], tracks = PICTURE): RecordedTake {
  const map = new Map([
    ['init-1.mp4', tracks],
    ['init-2.mp4', PICTURE],
  ]);
  return {
    angleId,
    takeId,
    sourceKind: 'camera',
    startMs: T0,
    endMs: null,
    reason: null,
    segments,
    tracks: map,
    clocks: [],
    damage: [],
    totals: null,
  };
}
function operation(angles: Record<string, RecordedTake[]>, more: Partial<RecordedOperation> = {}): RecordedOperation {
  const list = Object.entries(angles).map(([angleId, takes]) => ({ angleId, name: angleId, takes }));
  return {
    operationId: 'op-1',
    name: 'x',
    openedMs: T0,
    moves: [],
    endedMs: T0 + 60_000,
    segmentMs: 4000,
    angles: list,
    interruptions: [],
    marks: [],
    stills: [],
    messages: [],
    ...more,
  };
}
const seconds = (playlist: string): number => [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].reduce((sum, [, text]) => sum + Number(text), 0);

describe('mediaPlaylist', () => {
  const recorded = operation({
    east: [take('east', '0001', [segment(0, 4000, 0), segment(4000, 4000, 4000), segment(8000, 4000, 8000)])],
    west: [take('west', '0001', [segment(2000, 2000, 0)]), take('west', '0002', [segment(9000, 2000, 0)])],
  });

  it('spans the same stretch of hub time for every angle, gaps filled', () => {
    const east = mediaPlaylist(recorded, 'east');
    const west = mediaPlaylist(recorded, 'west');
    expect(seconds(east)).toBeCloseTo(12, 3);
    expect(seconds(west)).toBeCloseTo(12, 3);
    const first = (playlist: string): string | undefined => /#EXT-X-PROGRAM-DATE-TIME:(\S+)/.exec(playlist)?.[1];
    expect(first(east)).toBe(first(west));
    expect(west.match(/#EXT-X-GAP/g)).toHaveLength(4); // 2 s before, 5 s between in two, 1 s after
  });

  it('marks a discontinuity and its initialisation segment where the media time does not run on', () => {
    const west = mediaPlaylist(recorded, 'west');
    expect(west.match(/#EXT-X-MAP:URI="0001\/init-1.mp4"/g)).toHaveLength(1);
    expect(west.match(/#EXT-X-MAP:URI="0002\/init-1.mp4"/g)).toHaveLength(1);
    expect(west.match(/#EXT-X-DISCONTINUITY/g)?.length).toBeGreaterThanOrEqual(3);
    expect(mediaPlaylist(recorded, 'east')).not.toContain('#EXT-X-DISCONTINUITY');
  });

  it('ends with the operation, not before', () => {
    expect(mediaPlaylist(recorded, 'east')).toContain('#EXT-X-ENDLIST');
    const live = mediaPlaylist({ ...recorded, endedMs: null }, 'east');
    expect(live).not.toContain('#EXT-X-ENDLIST');
    expect(live).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
  });

  it('says each interruption of the angle, and no other', () => {
    const interruption = { id: 'west-1', angleId: 'west', startMs: T0 + 4000, endMs: T0 + 9000, cause: 'connection-lost' as const };
    const told = { ...recorded, interruptions: [interruption] };
    expect(mediaPlaylist(told, 'west')).toContain('#EXT-X-DATERANGE:ID="west-1"');
    expect(mediaPlaylist(told, 'west')).toContain('DURATION=5.000000');
    expect(mediaPlaylist(told, 'east')).not.toContain('DATERANGE');
  });

  it('counts sound alone as a gap beside pictures, and plays it where there is nothing else', () => {
    const mixed = operation({ east: [take('east', '0001', [segment(0, 1000, 0), segment(1000, 3000, 1000, 'init-2.mp4')], SOUND)] });
    expect(mediaPlaylist(mixed, 'east').match(/#EXT-X-GAP/g)).toHaveLength(1);
    const alone = operation({ east: [take('east', '0001', [segment(0, 1000, 0)], SOUND)] });
    expect(mediaPlaylist(alone, 'east')).not.toContain('#EXT-X-GAP');
  });

  it('is empty but valid before anything is recorded, and refuses an unknown angle', () => {
    expect(mediaPlaylist(operation({ east: [] }), 'east')).toMatch(/^#EXTM3U\n/);
    expect(() => mediaPlaylist(recorded, 'north')).toThrow('no angle north');
  });

  it('says where pictures are damaged, and places segments by what the clock lines know', () => {
    const damaged = take('east', '0001', [segment(0, 4000, 0), segment(4000, 4000, 4000)]);
    damaged.damage = [{ fromMs: T0 + 1000, toMs: T0 + 2500, withheld: 3, missing: 2 }];
    const line = { type: 'clock' as const, atMs: T0, method: 'sender-report' as const, kind: 'video' as const, errorMs: 1 };
    damaged.clocks = [
      { ...line, mediaMs: 4000, hubMs: T0 + 4025, driftPpm: 0 },
      { ...line, mediaMs: 8000, hubMs: T0 + 8010, driftPpm: 0 },
    ];
    const text = mediaPlaylist(operation({ east: [damaged] }), 'east');
    expect(text).toContain(
      '#EXT-X-DATERANGE:ID="damage-0001-0",CLASS="cn.fieldhub.damage",START-DATE="2026-11-24T03:00:01.000Z",END-DATE="2026-11-24T03:00:02.500Z",DURATION=1.500000,X-WITHHELD=3,X-MISSING=2',
    );
    // the last line knows most while the clock is still settling
    expect(text).toContain('#EXT-X-PROGRAM-DATE-TIME:2026-11-24T03:00:00.010Z');
    expect(text).toContain('#EXT-X-PROGRAM-DATE-TIME:2026-11-24T03:00:04.010Z');
  });

  it('lets the initialisation segment that has all tracks serve where one has nothing for a while, and only where the codec is the same', () => {
    const both = [...PICTURE, ...SOUND];
    const late = take('east', '0001', [segment(0, 4000, 0, 'init-2.mp4'), segment(4000, 4000, 4000)], both);
    const playlist = mediaPlaylist(operation({ east: [late] }), 'east');
    expect([...playlist.matchAll(/EXT-X-MAP:URI="([^"]+)"/g)].map(([, uri]) => uri)).toEqual(['0001/init-1.mp4']);
    const other = [{ ...PICTURE[0], codec: 'vp08.00.10.08' } as TrackInfo, ...SOUND];
    const changed = take('east', '0001', [segment(0, 4000, 0, 'init-2.mp4'), segment(4000, 4000, 4000)], other);
    expect(mediaPlaylist(operation({ east: [changed] }), 'east').match(/EXT-X-MAP/g)).toHaveLength(2);
  });

  it('of one track has what carries it, asked for by that track, and gaps for the rest', () => {
    const heard = { ...segment(4000, 4000, 4000), audioFrames: 200 };
    const muted = take(
      'east',
      '0001',
      [segment(0, 4000, 0), heard, { ...segment(8000, 4000, 8000), frames: 0, audioFrames: 200 }],
      [...PICTURE, ...SOUND],
    );
    const files = (playlist: string): string[] => [...playlist.matchAll(/^(?!#)\S+$/gm)].map(([uri]) => uri.replace(/^.*-0/, ''));
    expect(files(mediaPlaylist(operation({ east: [muted] }), 'east', 'video'))).toEqual([
      '.m4s?track=video',
      '.m4s?track=video',
      'gap.m4s',
    ]);
    const sound = mediaPlaylist(operation({ east: [muted] }), 'east', 'audio');
    expect(files(sound)).toEqual(['gap.m4s', '.m4s?track=audio', '.m4s?track=audio']);
    expect(sound).toContain('#EXT-X-MAP:URI="0001/init-1.mp4?track=audio"');
  });

  it('tells marked moments: those of this angle, and those of the operation as a whole', () => {
    const mark = (markId: string, angleId: string | null, text: string | null): Mark => ({
      markId,
      kind: 'moment',
      angleId,
      by: 'operator',
      atMs: T0 + 1234,
      receivedMs: T0 + 1300,
      text,
      acknowledged: null,
      version: 1,
    });
    const marks = [mark('mark-east', 'east', '说 "停"'), mark('mark-west', 'west', null), mark('mark-all1', null, null)];
    const east = mediaPlaylist({ ...recorded, marks }, 'east');
    expect(east).toContain(
      '#EXT-X-DATERANGE:ID="mark-mark-east",CLASS="cn.fieldhub.mark",START-DATE="2026-11-24T03:00:01.234Z",DURATION=0.000000,X-KIND="moment",X-BY="operator",X-TEXT="说 ”停”"',
    );
    expect(east).toContain('ID="mark-mark-all1"');
    expect(east).not.toContain('mark-west');
  });
});
