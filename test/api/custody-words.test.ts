import { expect, it } from 'vitest';
import { fieldKey, valueKey } from '../../web/composables/custody-words.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { ApiDocument, type Schema } from '../support/api-document.ts';
import { controlPlane } from '../support/in-process.ts';

/** The fields of a body, in each of the forms that it may have. */
function fieldsOf(schema: Schema, all: unknown): [name: string, of: Schema][] {
  const { $ref, properties = {}, anyOf = [], oneOf = [], allOf = [] } = schema;
  const referred = $ref
    ?.slice(2)
    .split('/')
    .reduce((at, key) => (at as Record<string, unknown>)[key], all);
  return [
    ...Object.entries(properties),
    ...[...anyOf, ...oneOf, ...allOf, ...(referred === undefined ? [] : [referred as Schema])].flatMap((each) => fieldsOf(each, all)),
  ];
}
const choicesOf = ({ enum: choices = [], const: only, anyOf = [], items }: Schema): string[] => [
  ...[...choices, only].filter((each) => typeof each === 'string'),
  ...anyOf.flatMap(choicesOf),
  ...(items ? choicesOf(items) : []),
];
const at = (texts: unknown, path: string): unknown =>
  path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], texts);

it('there are words for every field, and every choice, that a request leaves in the custody log, and for what its rule says', async () => {
  const plane = await controlPlane();
  const { payload } = await plane.app.inject({ method: 'GET', url: '/api/openapi.json', headers: { host: '127.0.0.1' } });
  await plane.close();
  const document = ApiDocument.parse(JSON.parse(payload));
  const lacking = new Set<string>();
  let fields = 0;
  for (const { method, url, rule } of plane.routes) {
    if (rule.by !== 'permission' || rule.logged === undefined || rule.how !== undefined) continue;
    const { requestBody, parameters = [] } = document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()] ?? {};
    const query = parameters.filter((each) => each.in === 'query').map((each): [string, Schema] => [each.name, each.schema]);
    const said = Object.entries(rule.detail ?? {}).map(([name, value]): [string, Schema] => [name, { enum: [value] }]);
    const schema = requestBody?.content['application/json']?.schema;
    for (const [name, of] of [...query, ...said, ...(schema ? fieldsOf(schema, document) : [])]) {
      fields += 1;
      const choices = choicesOf(of).map((each) => valueKey(rule.logged ?? '', name, each) ?? `${rule.logged} ${name} ${each}`);
      for (const key of [fieldKey(rule.logged, name), ...choices])
        for (const texts of [en, zhCN]) if (typeof at(texts, key) !== 'string') lacking.add(key);
    }
  }
  expect([...lacking]).toEqual([]);
  expect(fields).toBeGreaterThan(40);
});
