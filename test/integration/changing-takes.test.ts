import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrackSink } from '../../media/recorder/input.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { HubClock } from '../../media/time/hub-clock.ts';
import { fixture } from '../support/depacketize.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { h264Payloads, x264Units } from '../support/h264-rtp.ts';
import { noise } from '../support/noise.ts';
import { journalLines } from '../support/operation.ts';
import { playTake, segmentsOf } from '../support/playback.ts';
import { rtpBytes, videoInput } from '../support/rtp.ts';

const soundInput = () => videoInput({ kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 });

const SEGMENT_MS = 2000;
const START_MS = 1_800_000_000_300;
const PHASE_FRAMES = 75;
/** A camera's clock, five seconds ahead and 50 ppm fast. */
const AHEAD_MS = 5000;
const FAST = 50e-6;
const LOOPS = 110;
const SOUND_FROM_MS = 2600;

let root = '';
let dir = '';
let nowMs = START_MS;
const random = noise(7);

/** Send one frame's packets, captured at `captureMs` and up to 20 ms on their way. */
function arrive(sink: TrackSink, packets: Buffer[], captureMs: number): void {
  nowMs = Math.max(nowMs, captureMs + 5 + random() * 20);
  for (const packet of packets) sink.rtp(packet, nowMs);
}

/** Baseline, then High, then High in another size; `newSsrc`: the sender begins anew with the profile. */
function sendChanges(sink: TrackSink, newSsrc: boolean): void {
  const units = [
    x264Units('baseline', '320x180', PHASE_FRAMES),
    x264Units('high', '320x180', PHASE_FRAMES),
    x264Units('high', '640x360', PHASE_FRAMES),
  ];
  let sequence = 65_500;
  units.flat().forEach((nals, i) => {
    const payloads = h264Payloads(nals);
    const ssrc = newSsrc && i >= PHASE_FRAMES ? 2 : 1;
    const packets = payloads.map((payload, j) => rtpBytes(sequence++, i * 3000, payload, j === payloads.length - 1, 96, ssrc));
    arrive(sink, packets, START_MS + (i * 1000) / 30);
  });
}

/** Sound, muted at first, begins in the midst of the third segment. */
function sendLateSound(sink: TrackSink, sound: TrackSink): void {
  const packets = fixture('opus').packets.map((packet) => packet.subarray(12));
  let [sequence, heard] = [0, 0];
  x264Units('high', '320x180', 2 * PHASE_FRAMES).forEach((nals, i) => {
    const captureMs = START_MS + (i * 1000) / 30;
    const payloads = h264Payloads(nals);
    arrive(
      sink,
      payloads.map((payload, j) => rtpBytes(sequence++, i * 3000, payload, j === payloads.length - 1)),
      captureMs,
    );
    for (; captureMs > START_MS + SOUND_FROM_MS + heard * 20; heard += 1)
      arrive(
        sound,
        [rtpBytes(heard, heard * 960, packets[heard % packets.length] as Buffer, false, 111, 5)],
        START_MS + SOUND_FROM_MS + heard * 20,
      );
  });
}

/** The packets of the fixture over and over, twelve frames at fifteen a second, with a report each second. */
function sendAv1(sink: TrackSink): void {
  const { packets } = fixture('av1');
  const [first] = packets;
  const ssrc = (first as Buffer).readUInt32BE(8);
  const stamps = [...new Set(packets.map((packet) => packet.readUInt32BE(4)))];
  for (let loop = 0; loop < LOOPS; loop += 1) {
    stamps.forEach((stamp, i) => {
      const frame = loop * stamps.length + i;
      const captureMs = START_MS + (frame * 1000) / 15;
      const ticks = Math.round(((frame * 90_000) / 15) * (1 + FAST));
      const timestamp = (4_294_000_000 + ticks) % 2 ** 32; // wraps after ten seconds
      const mine = packets.flatMap((packet, j) => {
        if (packet.readUInt32BE(4) !== stamp) return [];
        const again = Buffer.from(packet);
        again.writeUInt16BE((packet.readUInt16BE(2) + loop * packets.length) & 0xffff, 2);
        again.writeUInt32BE(timestamp, 4);
        return [{ again, j }];
      });
      if (frame % 15 === 0) {
        const senderMs = START_MS + AHEAD_MS + (captureMs - START_MS) * (1 + FAST);
        sink.senderReport({ ssrc, senderMs, rtpTimestamp: timestamp }, captureMs);
      }
      arrive(
        sink,
        mine.map(({ again }) => again),
        captureMs,
      );
    });
  }
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-changing-'));
  dir = join(root, 'recordings', 'op-1');
  const clock = new HubClock(
    () => nowMs,
    () => nowMs - START_MS,
  );
  const recorder = await openRecorder(root, SEGMENT_MS, clock);
  const payloadType = ((fixture('av1').packets[0] as Buffer)[1] as number) & 0x7f;
  const senders = {
    same: { input: videoInput(), send: (sink: TrackSink) => sendChanges(sink, false) },
    anew: { input: videoInput(), send: (sink: TrackSink) => sendChanges(sink, true) },
    'late-sound': { input: videoInput(), send: (sink: TrackSink, sound: () => TrackSink) => sendLateSound(sink, sound()) },
    av1: { input: videoInput({ ...fixture('av1').track, payloadType }), send: sendAv1 },
  };
  for (const [name, { input, send }] of Object.entries(senders)) {
    nowMs = START_MS;
    await recorder.addAngle(name, name);
    const take = recorder.startTake(name, 'camera');
    send(take.addTrack(input), () => take.addTrack(soundInput()));
    await recorder.endTake(take, 'stopped-by-operator');
  }
  await recorder.end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const lines = (name: string) => journalLines(join(dir, name, '0001', 'journal.ndjson'));

describe('a sender that changes its profile, then its size', () => {
  it('is verified, every angle in one take', async () => {
    const { problems, angles } = await verifyOperation(dir);
    expect(problems).toEqual([]);
    expect(angles.map(({ takes }) => takes)).toEqual([1, 1, 1, 1]);
  });

  it.each(['same', 'anew'])('(%s SSRC) gets a new initialisation segment for the profile only, and loses no frame', (name) => {
    const ended = lines(name).at(-1);
    expect(ended).toMatchObject({ type: 'take.ended', frames: 3 * PHASE_FRAMES, withheld: 0, missing: 0 });
    const inits = lines(name).filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
    expect(inits.map(({ tracks }) => tracks[0]?.codec.slice(0, 9))).toEqual(['avc3.42c0', 'avc3.6400']);
    expect(lines(name).filter(({ type }) => type === 'size')).toMatchObject([{ width: 640, height: 360 }]);
    const segments = segmentsOf(join(dir, name, '0001'));
    const first = segments.findIndex(({ init }) => init === 'init-2.mp4');
    expect(segments.slice(0, first).reduce((sum, { frames }) => sum + frames, 0)).toBe(PHASE_FRAMES);
    for (const [i, segment] of segments.entries()) {
      const next = segments[i + 1];
      if (next) expect(segment.mediaMs + segment.durationMs).toBeCloseTo(next.mediaMs, 0);
    }
  });

  it.each(['same', 'anew'])('(%s SSRC) plays without a word, with one discontinuity at the change', async (name) => {
    const { said, status, playlist } = await playTake(dir, name, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
    expect(playlist.match(/#EXT-X-MAP:/g)).toHaveLength(2);
    const breaks = [...playlist.matchAll(/#EXT-X-DISCONTINUITY\n((?:#.*\n)*)/g)].map(([, tags = '']) => tags.includes('init-2.mp4'));
    expect(breaks).toEqual([true]);
  });
});

describe('sound that begins after the picture', () => {
  it('is recorded from the next key frame on, and plays without a word', async () => {
    const segments = segmentsOf(join(dir, 'late-sound', '0001'));
    expect(segments.reduce((sum, { frames }) => sum + frames, 0)).toBe(2 * PHASE_FRAMES);
    expect(segments[0]?.audioFrames).toBe(0);
    expect(segments.at(-1)?.audioFrames).toBeGreaterThan(40);
    const { said, status, playlist } = await playTake(dir, 'late-sound', '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });
});

describe('AV1 from a camera whose clock is five seconds ahead and 50 ppm fast', () => {
  it('is recorded whole, and plays without a word', async () => {
    const frames = LOOPS * 12;
    expect(lines('av1').at(-1)).toMatchObject({ type: 'take.ended', frames, withheld: 0, missing: 0 });
    const { said, playlist } = await playTake(dir, 'av1', '0001');
    expect(said, playlist.slice(0, 1000)).toBe('');
  });

  it('has in each segment how far that clock is off, and how fast it runs', () => {
    const told = lines('av1').filter(({ type }) => type === 'segment') as unknown as {
      startMs: number;
      offsetMs: number;
      clockOffsetMs: number | null;
      driftPpm: number;
    }[];
    expect(told.length).toBeGreaterThan(40);
    for (const { startMs, clockOffsetMs, driftPpm } of told.slice(5)) {
      const trueMs = AHEAD_MS + (startMs - START_MS) * FAST;
      // less its least transit, which nobody measured: 5 ms here
      expect(Math.abs(Number(clockOffsetMs) - trueMs + 5)).toBeLessThan(5);
      if (startMs - START_MS > 60_000) expect(Math.abs(driftPpm + FAST * 1e6)).toBeLessThan(10);
    }
  });
});
