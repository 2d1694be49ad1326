import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Intake } from '../../../media/recorder/intake.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { SourceClock } from '../../../media/time/capture-clock.ts';
import { fixture } from '../../support/depacketize.ts';
import { videoInput } from '../../support/rtp.ts';

type Sent = { bytes: Buffer; atMs: number };
/** Lost, late by so many packets, sent twice, or with another SSRC or far-away sequence numbers. */
const fate = fc.record({
  kind: fc.constantFrom('lose', 'delay', 'twice', 'ssrc', 'jump'),
  at: fc.nat(),
  by: fc.integer({ min: 1, max: 9 }),
});
type Fate = typeof fate extends fc.Arbitrary<infer T> ? T : never;

function withFates(packets: Buffer[], fates: Fate[]): Sent[] {
  const list = packets.map((bytes, i) => ({ bytes: Buffer.from(bytes), place: i }));
  for (const { kind, at, by } of fates) {
    const i = at % list.length;
    const item = list[i] as (typeof list)[number];
    if (kind === 'lose') list.splice(i, 1);
    if (kind === 'delay') item.place += by;
    if (kind === 'twice') list.push({ bytes: item.bytes, place: item.place + by });
    if (kind === 'ssrc') for (const { bytes } of list.slice(i, i + by)) bytes.writeUInt32BE(99, 8);
    if (kind === 'jump') for (const { bytes } of list.slice(i, i + by)) bytes.writeUInt16BE((bytes.readUInt16BE(2) + 30_000) & 0xffff, 2);
    if (list.length === 0) break;
  }
  return list.toSorted((a, b) => a.place - b.place).map(({ bytes, place }) => ({ bytes, atMs: 1_790_000_000_000 + place * 12 }));
}

/** All that comes out of an intake, as text. `hand` gives it each packet. */
function through(codec: string, sent: Sent[], hand: (intake: Intake, sent: Sent) => void): string[] {
  const { track, packets } = fixture(codec);
  const kind = track.mimeType.startsWith('video/') ? ('video' as const) : ('audio' as const);
  const payloadType = ((packets[0] as Buffer)[1] as number) & 0x7f;
  const memory = new SlabPool();
  const out: string[] = [];
  let runs = 0;
  const intake = new Intake(videoInput({ ...track, kind, payloadType }), new SourceClock(), memory, {
    frame: ({ data, ...frame }) => {
      out.push(JSON.stringify({ ...frame, data: data.toString('hex') }));
      memory.free(data);
    },
    withheld: ({ unit, captureMs, config }) => {
      out.push(JSON.stringify({ withheld: { ...unit, data: unit.data.toString('hex') }, captureMs, config }));
      memory.free(unit.data);
    },
    missing: (frames) => out.push(`missing ${frames}`),
    damage: (damage) => out.push(JSON.stringify(damage)),
    nextRun: () => (runs += 1),
  });
  for (const each of sent) hand(intake, each);
  intake.flush();
  expect(memory.livePieces).toBe(0);
  return out;
}

describe('Intake', () => {
  it.each(['h264', 'h265', 'vp8', 'vp9', 'av1', 'aac', 'opus', 'pcmu'])(
    'keeps nothing of the memory that %s packets come in, whatever befalls them',
    (codec) => {
      const { packets } = fixture(codec);
      const room = Buffer.alloc(8192);
      let [frames, withheld] = [0, 0];
      fc.assert(
        fc.property(fc.array(fate, { maxLength: 12 }), fc.nat(4000), (fates, start) => {
          const sent = withFates(packets, fates);
          const kept = through(codec, sent, (intake, { bytes, atMs }) => intake.rtp(bytes, atMs));
          const reused = through(codec, sent, (intake, { bytes, atMs }) => {
            bytes.copy(room, start);
            intake.rtp(room, atMs, start, start + bytes.length);
            room.fill(0xee);
          });
          expect(reused).toEqual(kept);
          frames += kept.filter((text) => text.startsWith('{"ticks"')).length;
          withheld += kept.filter((text) => text.startsWith('{"withheld"')).length;
        }),
        { numRuns: 60 },
      );
      expect(frames).toBeGreaterThan(100);
      if (codec.startsWith('h26') || codec.startsWith('v')) expect(withheld).toBeGreaterThan(10);
    },
  );
});
