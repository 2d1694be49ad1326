import { describe, expect, it } from 'vitest';
import { Intake } from '../../../media/recorder/intake.ts';
import type { Damage } from '../../../media/recordings/lines.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { SourceClock } from '../../../media/time/capture-clock.ts';
import { picturePayload, rtpBytes, videoInput } from '../../support/rtp.ts';

const T0 = 1_800_000_000_000;
const KEY = picturePayload(true);
const SLICE = picturePayload(false);

/** One stream, one packet a picture; and what becomes of it. */
function stream(rtxPayloadType: number | null = null) {
  const shown: number[] = [];
  const placed: { ticks: number; compositionTicks: number }[] = [];
  const damage: Damage[] = [];
  const counts = { withheld: 0, missing: 0, asked: 0 };
  const memory = new SlabPool();
  const input = videoInput({ rtxPayloadType, requestKeyFrame: () => void (counts.asked += 1) });
  const intake = new Intake(input, new SourceClock(), memory, {
    frame: ({ data, capture, ticks, compositionTicks }) => {
      placed.push({ ticks, compositionTicks });
      shown.push(Math.round((capture.hubMs - T0) / (1000 / 30)));
      memory.free(data);
    },
    withheld: ({ unit }) => {
      counts.withheld += 1;
      memory.free(unit.data);
    },
    missing: (frames) => void (counts.missing += frames),
    damage: (stretch) => void damage.push(stretch),
    nextRun: () => 1,
  });
  const atMs = (i: number): number => T0 + (i * 1000) / 30;
  const send = (i: number, payload: Buffer, ssrc = 1, sequence = i): void =>
    intake.rtp(rtpBytes(sequence, i * 3000, payload, true, 96, ssrc), atMs(i));
  return { intake, shown, placed, damage, counts, memory, send, atMs };
}

describe('one stream on its way into a take', () => {
  it('takes a retransmission for the packet it carries (RFC 4588)', () => {
    const { intake, shown, counts, send, atMs } = stream(97);
    send(0, KEY);
    send(2, SLICE);
    const original = Buffer.alloc(2);
    original.writeUInt16BE(1);
    intake.rtp(rtpBytes(700, 3000, Buffer.concat([original, SLICE]), true, 97, 99), atMs(2) + 20);
    send(3, SLICE);
    expect(shown).toEqual([0, 1, 2, 3]);
    expect(counts).toMatchObject({ withheld: 0, missing: 0 });
  });

  it('ignores what is foreign, padding alone and rubbish', () => {
    const { intake, shown, counts, send, atMs } = stream();
    send(0, KEY);
    intake.rtp(Buffer.from([0x80]), atMs(0));
    intake.rtp(rtpBytes(5, 0, SLICE, true, 111), atMs(0));
    send(1, Buffer.alloc(0));
    intake.rtp(rtpBytes(2, 3000, SLICE, true), atMs(1));
    expect(shown).toEqual([0, 1]);
    expect(counts).toMatchObject({ withheld: 0, missing: 0 });
  });

  it('withholds after a loss until the key frame it asks for, and says what was lacking where', () => {
    const { intake, shown, damage, counts, memory, send, atMs } = stream();
    for (let i = 0; i < 30; i += 1) send(i, i === 0 ? KEY : SLICE);
    for (let i = 33; i < 45; i += 1) send(i, SLICE); // three are gone
    intake.expire(atMs(45) + 1000);
    send(45, KEY);
    expect(shown).toEqual([...Array.from({ length: 30 }, (_, i) => i), 45]);
    expect(counts).toMatchObject({ withheld: 12, missing: 3 });
    expect(counts.asked).toBeGreaterThan(0);
    expect(damage).toMatchObject([{ withheld: 12, missing: 3 }]);
    expect(Math.round((damage[0]?.toMs ?? 0) - (damage[0]?.fromMs ?? 0))).toBe(500);
    intake.flush();
    expect(memory.livePieces).toBe(0);
  });

  it('is not led astray by one frame with a wild timestamp', () => {
    const { intake, shown, counts, send, atMs } = stream();
    for (let i = 0; i < 30; i += 1) send(i, i === 0 ? KEY : SLICE);
    intake.rtp(rtpBytes(30, 30 * 3000 + 3_600 * 90_000, SLICE, true), atMs(30));
    for (let i = 31; i < 60; i += 1) send(i, i === 40 ? KEY : SLICE);
    expect(counts.withheld).toBe(10);
    expect(shown.slice(30)).toEqual(Array.from({ length: 20 }, (_, i) => i + 40));
  });

  it('follows a sender whose timestamps begin elsewhere, from the next key frame on', () => {
    const { intake, shown, damage, send, atMs } = stream();
    for (let i = 0; i < 30; i += 1) send(i, i === 0 ? KEY : SLICE);
    for (let i = 30; i < 60; i += 1) intake.rtp(rtpBytes(i, i * 3000 - 400_000, i === 35 ? KEY : SLICE, true), atMs(i));
    expect(shown.slice(30)).toEqual(Array.from({ length: 25 }, (_, i) => i + 35));
    expect(damage).toMatchObject([{ withheld: 5 }]);
  });

  it('shows a picture that is repeated with the same timestamp a tick later, and counts both', () => {
    const { intake, placed, counts, send, atMs } = stream();
    send(0, KEY);
    send(1, SLICE);
    intake.rtp(rtpBytes(2, 3000, KEY, true), atMs(1));
    intake.rtp(rtpBytes(3, 3000, SLICE, true), atMs(1));
    intake.rtp(rtpBytes(4, 6000, SLICE, true), atMs(2));
    const [first] = placed;
    expect(placed.map(({ ticks }) => ticks - (first?.ticks ?? 0))).toEqual([0, 3000, 3001, 3002, 6000]);
    expect(placed.every(({ compositionTicks }) => compositionTicks === 0)).toBe(true);
    expect(counts).toMatchObject({ withheld: 0, missing: 0 });
  });

  it('takes no stray packet of another SSRC for a new stream', () => {
    const { shown, counts, send } = stream();
    for (let i = 0; i < 5; i += 1) send(i, i === 0 ? KEY : SLICE);
    send(99, SLICE, 7, 600);
    for (let i = 5; i < 10; i += 1) send(i, SLICE);
    expect(shown).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(counts).toMatchObject({ withheld: 0, missing: 0 });
  });

  it('goes on with a key frame when the sender begins anew under another SSRC', () => {
    const { shown, counts, send } = stream();
    for (let i = 0; i < 5; i += 1) send(i, i === 0 ? KEY : SLICE);
    send(5, SLICE, 2, 40_000);
    send(6, KEY, 2, 40_001);
    send(7, SLICE, 2, 40_002);
    expect(shown).toEqual([0, 1, 2, 3, 4, 6, 7]);
    expect(counts.withheld).toBe(1);
  });
});
