import { describe, expect, it } from 'vitest';
import { av1Payloads, obusOf } from '../../support/av1-rtp.ts';
import { receive } from '../../support/depacketize.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const obu = (type: number, ...body: number[]): Buffer => bytes(type << 3, ...body);
const sized = (unit: Buffer): Buffer => Buffer.concat([bytes((unit[0] as number) | 2, unit.length - 1), unit.subarray(1)]);

const SEQUENCE = obu(1, 0, 0, 0, 2, 1);
const KEY = obu(6, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9);
const INTER = obu(6, 0x30, 1, 2);
const DELIMITER = obu(2);

describe('AV1', () => {
  it('stores OBUs with their sizes, without delimiters, tile lists and padding', () => {
    const { send, units, depacketizer } = receive('video/AV1');
    const elements = [DELIMITER, SEQUENCE, KEY, obu(8, 1), obu(15, 0)].flatMap((unit) => [bytes(unit.length), unit]);
    send(1, Buffer.concat([bytes(0x08), ...elements]), { marker: true });
    send(2, Buffer.concat([bytes(0x10), INTER]), { marker: true });
    expect(units.map(({ key, damaged, data }) => ({ key, damaged, data }))).toEqual([
      { key: true, damaged: false, data: Buffer.concat([sized(SEQUENCE), sized(KEY)]) },
      { key: false, damaged: false, data: sized(INTER) },
    ]);
    expect(depacketizer.config).toEqual({ codec: 'av1', sequenceHeader: sized(SEQUENCE) });
  });

  it.each([true, false])('joins fragments of any size (counted: %s)', (counted) => {
    const big = Buffer.concat([KEY, Buffer.alloc(1000, 5)]);
    for (const size of [13, 14, 40, 150]) {
      const { send, units } = receive('video/AV1');
      const payloads = av1Payloads([SEQUENCE, big, INTER], size, counted, true);
      payloads.forEach((payload, i) => send(1, payload, { marker: i === payloads.length - 1 }));
      expect(units.map(({ damaged }) => damaged)).toEqual([false]);
      expect(obusOf(units[0]?.data ?? bytes())).toEqual([SEQUENCE, big, INTER]);
    }
  });

  it('takes OBUs that carry their size already, and refuses those that contradict it', () => {
    const { send, units } = receive('video/AV1');
    const extended = bytes((6 << 3) | 4, 0x08, 0x30, 1);
    const extendedSized = bytes((6 << 3) | 6, 0x08, 2, 0x30, 1);
    send(1, Buffer.concat([bytes(0x20, sized(INTER).length), sized(INTER), extended]), { marker: true });
    send(2, Buffer.concat([bytes(0x10), extendedSized]), { marker: true });
    send(3, Buffer.concat([bytes(0x10), sized(INTER), bytes(0)]), { marker: true });
    send(4, bytes(0x10, (6 << 3) | 4), { marker: true }); // its extension is missing
    expect(units.map(({ data }) => data)).toEqual([Buffer.concat([sized(INTER), extendedSized]), extendedSized, bytes(), bytes()]);
    expect(units.map(({ damaged }) => damaged)).toEqual([false, false, true, true]);
  });

  it('calls nothing key without a sequence header, nor a key frame that is not shown', () => {
    const { send, units, depacketizer } = receive('video/AV1');
    send(1, Buffer.concat([bytes(0x10), KEY]), { marker: true });
    send(2, Buffer.concat([bytes(0x28, SEQUENCE.length), SEQUENCE, obu(6, 0x00, 1)]), { marker: true });
    expect(units.map(({ key }) => key)).toEqual([false, false]);
    expect(depacketizer.config).toBeNull();
  });

  it('keeps one configuration while the sequence header stays', () => {
    const { send, depacketizer } = receive('video/AV1');
    const configs = [SEQUENCE, SEQUENCE, obu(1, 0x20, 0, 0, 2)].map((header, i) => {
      send(i, Buffer.concat([bytes(0x28, header.length), header, KEY]), { marker: true });
      return depacketizer.config;
    });
    expect(configs[1]).toBe(configs[0]);
    expect(configs[2]).not.toBe(configs[0]);
  });

  it('calls a unit damaged whose beginning, middle or end is missing', () => {
    const [first, second, third] = av1Payloads([Buffer.concat([INTER, Buffer.alloc(50)])], 25, true, false) as [Buffer, Buffer, Buffer];
    const { send, units } = receive('video/AV1');
    send(1, Buffer.concat([bytes(0x10), INTER]), { marker: true });
    send(2, second, { lost: 1 });
    send(2, third, { marker: true });
    send(3, first);
    send(3, third, { lost: 1, marker: true });
    send(4, first);
    send(5, first); // the end of unit 4 is missing, though no number is
    send(5, second);
    send(5, third, { marker: true });
    send(6, Buffer.concat([bytes(0x10), obu(4, 1)]), { lost: 1, marker: true }); // tiles do not begin a frame
    expect(units.map(({ damaged, timestamp }) => [timestamp, damaged])).toEqual([
      [1, false],
      [2, true],
      [3, true],
      [4, true],
      [5, false],
      [6, true],
    ]);
    expect(units[1]?.data).toHaveLength(0);
  });

  it('takes lengths that do not fit for damage', () => {
    const { send, units } = receive('video/AV1');
    send(1, bytes(0x00, 200, 1, 0x30), { marker: true });
    send(2, bytes(0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), { marker: true });
    expect(units.map(({ damaged }) => damaged)).toEqual([true, true]);
  });
});
