import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Schema } from './api-document.ts';

const sha256 = (bytes: string): string => createHash('sha256').update(bytes, 'latin1').digest('hex');

/** Names under which something that exists stands in a body, by the name of its kind. */
const KIND: Record<string, string> = {
  ownerId: 'personId',
  replaces: 'linkId',
  squad: 'squadId',
  person: 'personId',
  operation: 'operationId',
};
/** What a schema says less of than the hub asks for. */
const SENSIBLE: Record<string, unknown[]> = {
  url: ['rtsp://127.0.0.1:1/none', 'rtmp://127.0.0.1:1/none', 'srt://127.0.0.1:1', 'rtsp://user:word@127.0.0.1:1/x?y#z'],
  atMs: [Date.UTC(2026, 10, 28), 0, 1_795_879_093_649.5],
  sha256: ['\u00ff\u00d8\u00ff\u00e0\u0000\u0010JFIF\u0000', '\u0089PNG\r\n\u001a\n'].map(sha256),
  permissions: ['operation.see', 'recording.view', 'device.see', 'live.watch', 'nothing'],
};
const NAMES = ['东门', '一中队', 'Nadia', 'a', '拆除 2', 'O’Brien', '李'.repeat(60)];

const isKnown = (name: string): boolean => /Ids?$|^(version|edition|login|token)$/.test(name) || name in KIND;
/** To be filled in when the request is made: see KnownIds. */
const known = (name: string): fc.Arbitrary<unknown> => fc.nat(20).map((nth) => `{{${KIND[name] ?? name.replace(/Ids$/, 'Id')}#${nth}}}`);

/** Values that a schema takes; `name`: the property it is of. */
export function fromSchema(schema: Schema, name = ''): fc.Arbitrary<unknown> {
  const sensible = schema.type === 'array' ? undefined : SENSIBLE[name];
  if (sensible) return fc.constantFrom(...sensible);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((each) => fromSchema(each, name)));
  if (schema.allOf)
    return fc.tuple(...schema.allOf.map((each) => fromSchema(each, name))).map((all) => Object.assign({}, ...all) as unknown);
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => fromSchema({ ...schema, type }, name)));
  const plain = ofType(schema, name);
  return isKnown(name) && /string|integer|number/.test(String(schema.type))
    ? fc.oneof({ weight: 5, arbitrary: known(name) }, { weight: 1, arbitrary: plain })
    : plain;
}

function ofType(schema: Schema, name: string): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'string':
      return ofText(schema);
    case 'integer':
    case 'number': {
      const [min, max] = [
        Math.max(schema.minimum ?? (schema.exclusiveMinimum === undefined ? -1e6 : schema.exclusiveMinimum + 1), -1e13),
        Math.min(schema.maximum ?? 1e13, 1e13),
      ];
      const whole = fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max), fc.integer({ min, max: Math.min(max, min + 20) }));
      return schema.type === 'integer' ? whole : fc.oneof(whole, fc.double({ min, max, noNaN: true }));
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { minItems = 0, maxItems = 4, items = {} } = schema;
      return fc.array(fromSchema(items, name), { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 4)) });
    }
    case 'object':
      return ofObject(schema);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function ofObject({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, fromSchema(each, key)]));
  if (Object.keys(fields).length > 0) return fc.record(fields, { requiredKeys: required, noNullPrototype: true });
  const values = typeof additionalProperties === 'object' ? fromSchema(additionalProperties) : fc.jsonValue({ maxDepth: 1 });
  return fc.dictionary(fc.string({ maxLength: 8 }), values, { maxKeys: 3, noNullPrototype: true });
}

function ofText({ pattern, minLength = 0, maxLength = 1000 }: Schema): fc.Arbitrary<unknown> {
  const fits = (text: string): boolean => text.length >= minLength && text.length <= maxLength;
  // "no control characters" is everything: names that people have, and anything printable
  if (pattern?.startsWith('^[^')) return fc.oneof(fc.constantFrom(...NAMES.filter(fits), 'ab'), printable(minLength, maxLength));
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern)).filter(fits);
  return printable(minLength, maxLength);
}

const printable = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', minLength: Math.max(1, minLength), maxLength: Math.max(1, minLength, Math.floor(maxLength / 8)) });
