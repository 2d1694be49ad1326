import fc from 'fast-check';

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);
/** An object whose own key it is, as JSON.parse makes one. */
const withKey = (key: string, value: unknown): unknown => JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`);

const TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\u001b[31m',
  '\r\nx: y',
  '\ud800',
  '行动\udfff',
  '\u202e\u2066',
  '\ufeff',
  '𠮷'.repeat(61),
  'e\u0301'.repeat(300),
  'x'.repeat(49),
  'x'.repeat(5000),
  'x'.repeat(60_000),
  '__proto__',
  'constructor',
  'toString',
  '../../../etc/passwd',
  '..\\..',
  "' OR 1=1 --",
  '"; DROP TABLE person; --',
  '%00%ff',
  '${7*7}{{7*7}}',
  '<script>alert(1)</script>',
  'NaN',
  'null',
  '-1',
  '1e999',
  '0x7fffffff',
  '99999999999999999999',
  '2026-13-45T99:99:99Z',
  'http://169.254.169.254/latest/meta-data',
  'rtsp://127.0.0.1:1/none',
  'file:///etc/passwd',
];
const NUMBERS = [
  0,
  -0,
  -1,
  1.5,
  255,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  -(2 ** 53),
  1e308,
  -1e308,
  5e-324,
];
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'length',
  '',
  '\u0000',
  '0',
  'x'.repeat(3000),
];

export const hostileText = fc.constantFrom(...TEXTS);
/** What no schema means: of every type, at every limit. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(...NUMBERS),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    [],
    {},
    [null],
    [[]],
    Array.from({ length: 5000 }, () => 0),
  ),
  fc.constantFrom(20, 500, 3000).map((depth) => JSON.parse(nested(depth, '[', ']')) as unknown),
  fc.constantFrom(20, 500).map((depth) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as unknown),
  fc.constantFrom(...KEYS).map((key) => withKey(key, { admin: true, isAdmin: 1 })),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 2 }),
);

export type Spoiling = { how: 'replace' | 'drop' | 'surplus' | 'whole'; where: number; key: string; value: unknown };
export const spoiling: fc.Arbitrary<Spoiling> = fc.record({
  how: fc.constantFrom('replace' as const, 'replace' as const, 'replace' as const, 'drop' as const, 'surplus' as const, 'whole' as const),
  where: fc.nat(50),
  key: fc.constantFrom(...KEYS),
  value: hostileValue,
});

type Holder = Record<string, unknown>;
/** Every place within a value. */
function places(value: unknown, found: [Holder, string][] = []): [Holder, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, each] of Object.entries(value)) {
    found.push([value as Holder, key]);
    places(each, found);
  }
  return found;
}

/** A copy of a value with one thing wrong. */
export function spoil(value: unknown, { how, where, key, value: other }: Spoiling): unknown {
  if (how === 'whole' || typeof value !== 'object' || value === null) return other;
  const copy = structuredClone(value);
  const found = places(copy);
  const [holder, name] = found[where % Math.max(1, found.length)] ?? [];
  const nowhere = holder === undefined || name === undefined || how === 'surplus';
  if (nowhere && Array.isArray(copy)) copy.push(other);
  else if (nowhere) Object.defineProperty(copy, key, { value: other, enumerable: true });
  else if (how === 'drop') Reflect.deleteProperty(holder, name);
  else holder[name] = other;
  return copy;
}

/** What is done to the text of a body, after which it is mostly no JSON any more. */
export const brokenText: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc.nat(200).map((at) => (text: string) => text.slice(0, at % (text.length + 1))),
  fc.tuple(fc.nat(200), fc.constantFrom('\u0000', ',', '"', '}', '\\u', '\ud800', '\ufeff', '//', '1e999', 'NaN')).map(
    ([at, more]) =>
      (text: string) =>
        text.slice(0, at % (text.length + 1)) + more + text.slice(at % (text.length + 1)),
  ),
  fc
    .constantFrom(
      '',
      ' ',
      'null',
      '[]',
      '{}',
      '"',
      '{"a":1}{"b":2}',
      '{"a":1,"a":2}',
      '1e999',
      nested(20_000, '[', ']'),
      '{"a":'.repeat(9000),
      'x'.repeat(70_000),
      `{"name":"${'x'.repeat(66_000)}"}`,
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '\u0000\u0001\u0002',
    )
    .map((whole) => () => whole),
);
