import { describe, expect, it } from 'vitest';
import { receive } from '../../support/depacketize.ts';

/** VP8 payloads: the simplest format there is. */
const START = Buffer.from([0x10, 0x11, 0, 0]);
const MORE = Buffer.from([0x00, 7]);

describe('access units, whatever the codec', () => {
  it('carry when their first packet came, and what was lost or restarted before and within them', () => {
    const { send, units } = receive('video/VP8');
    send(1, START, { arrivalMs: 10 });
    send(1, MORE, { arrivalMs: 20, marker: true });
    send(2, Buffer.alloc(0), { lost: 1 }); // padding alone
    send(2, START, { lost: 2, restart: true, arrivalMs: 30 });
    send(2, MORE, { lost: 4, marker: true });
    send(3, START, { marker: true });
    expect(units.map(({ arrivalMs, lostBefore, restart, damaged }) => [arrivalMs, lostBefore, restart, damaged])).toEqual([
      [10, 0, false, false],
      [30, 7, true, true],
      [0, 0, false, false],
    ]);
  });

  it('end at a new timestamp also over its wrap, and at flush as damaged', () => {
    const { send, units, depacketizer } = receive('video/VP8');
    send(0xffffffff, START);
    send(0, START);
    depacketizer.flush();
    depacketizer.flush();
    expect(units.map(({ timestamp, damaged }) => [timestamp, damaged])).toEqual([
      [0xffffffff, false],
      [0, true],
    ]);
  });

  it('are damaged when the first packet ever is from the middle of one', () => {
    const { send, units } = receive('video/H264');
    send(1, Buffer.from([0x65, 0x40, 1]), { marker: true }); // a key frame's second slice
    expect(units[0]).toMatchObject({ key: true, damaged: true });
  });

  it('stop growing at 8 MiB, and at as many packets as there are sequence numbers', () => {
    const large = receive('video/VP8');
    const piece = Buffer.concat([Buffer.from([0]), Buffer.alloc(60_000)]);
    large.send(1, START);
    for (let i = 0; i < 300; i += 1) large.send(1, piece);
    large.send(2, START, { marker: true });
    expect(large.units.map(({ damaged }) => damaged)).toEqual([true, false]);
    expect(large.units[0]?.data.length).toBeGreaterThan(8_000_000);
    expect(large.units[0]?.data.length).toBeLessThanOrEqual(8 * 1024 * 1024);
    const many = receive('video/VP8');
    many.send(1, START);
    for (let i = 0; i < 100_000; i += 1) many.send(1, MORE);
    many.depacketizer.flush();
    expect(many.units[0]).toMatchObject({ damaged: true });
    expect(many.units[0]?.data.length).toBeLessThanOrEqual(65_540);
  });
});
