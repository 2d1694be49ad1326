import { readFileSync } from 'node:fs';
import type { AccessUnit } from '../../media/rtp/access-unit.ts';
import type { CodecConfig, Depacketizer } from '../../media/rtp/codec.ts';
import { createDepacketizer, type TrackFormat } from '../../media/rtp/depacketizers.ts';
import { parseRtp, type RtpPacket } from '../../media/rtp/packet.ts';
import { SlabPool } from '../../media/rtp/slabs.ts';
import { packet } from './rtp.ts';

export type Received = {
  depacketizer: Depacketizer;
  units: AccessUnit[];
  /** Hand in one payload under a timestamp. */
  send: (timestamp: number, payload: Buffer, options?: { marker?: boolean; lost?: number; restart?: boolean; arrivalMs?: number }) => void;
};

/** A depacketiser and what comes out of it. */
export function receive(mimeType: string, parameters: Record<string, unknown> = {}, track: Partial<TrackFormat> = {}): Received {
  const units: AccessUnit[] = [];
  const clockRate = mimeType.startsWith('video/') ? 90_000 : 48_000;
  const format = { mimeType, clockRate, channels: null, parameters, ...track };
  const depacketizer = createDepacketizer(format, (unit) => units.push(unit), new SlabPool());
  let sequence = 0;
  return {
    depacketizer,
    units,
    send: (timestamp, payload, { marker = false, lost = 0, restart = false, arrivalMs = 0 } = {}) => {
      sequence += 1 + lost;
      depacketizer.push(packet(sequence, { timestamp, payload, marker, arrivalMs }), lost, restart);
    },
  };
}

/** NAL units stored with four-byte lengths. */
export function nalsOf(data: Buffer = Buffer.alloc(0)): Buffer[] {
  const nals: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const size = data.readUInt32BE(at);
    nals.push(data.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return nals;
}

/** Real packets: see test/fixtures/README.md. */
export function fixture(codec: string): { track: TrackFormat; packets: Buffer[] } {
  const text = readFileSync(new URL(`../fixtures/rtp-${codec}.json`, import.meta.url), 'utf8');
  const { track, packets } = JSON.parse(text) as { track: TrackFormat; packets: string[] };
  return { track, packets: packets.map((packet) => Buffer.from(packet, 'base64')) };
}

/** What a fixture's last key frame was sent with. */
export function fixtureConfig(codec: string): CodecConfig {
  const { track, packets } = fixture(codec);
  const depacketizer = createDepacketizer(track, () => undefined, new SlabPool());
  for (const bytes of packets) depacketizer.push(parseRtp(bytes, 0) as RtpPacket, 0, false);
  if (!depacketizer.config) throw new Error(`${codec}: no configuration`);
  return depacketizer.config;
}
