import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

/** As much of JSON Schema (2020-12) as zod writes. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
};
const AnySchema = z.custom<Schema>((value) => typeof value === 'object' && value !== null);

const Operation = z.looseObject({
  'x-permission': z.string(),
  summary: z.string().optional(),
  tags: z.array(z.string()),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(z.object({ in: z.string(), name: z.string(), required: z.boolean(), schema: AnySchema })).default([]),
  requestBody: z.object({ required: z.boolean(), content: z.record(z.string(), z.object({ schema: AnySchema })) }).optional(),
  responses: z.record(
    z.string(),
    z.looseObject({
      $ref: z.string().optional(),
      description: z.string().optional(),
      content: z.record(z.string(), z.object({ schema: AnySchema })).optional(),
    }),
  ),
});
export type Operation = z.infer<typeof Operation>;

/** The hub's own document, as far as it is read here. */
export const ApiDocument = z.looseObject({
  openapi: z.literal('3.1.0'),
  info: z.object({ title: z.string(), description: z.string(), version: z.string() }).loose(),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({
    schemas: z.record(z.string(), AnySchema),
    responses: z.record(z.string(), z.looseObject({ description: z.string() })),
    securitySchemes: z.record(z.string(), z.looseObject({ type: z.enum(['apiKey', 'http']), description: z.string() })),
  }),
});
export type ApiDocument = z.infer<typeof ApiDocument>;

export type ApiRoute = {
  method: string;
  /** With `{name}` where a parameter stands. */
  path: string;
  params: Record<string, Schema>;
  query: { name: string; required: boolean; schema: Schema }[];
  /** Kinds of body that it takes, the schema of each. */
  bodies: [string, Schema][];
};

/** Every route of the document. */
export function routesOf({ paths }: ApiDocument): ApiRoute[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      params: Object.fromEntries(parameters.filter((each) => each.in === 'path').map(({ name, schema }) => [name, schema])),
      query: parameters.filter((each) => each.in === 'query'),
      bodies: Object.entries(requestBody?.content ?? {}).map(([type, { schema }]): [string, Schema] => [type, schema]),
    })),
  );
}

export const namesIn = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace'];

/** What OpenAPI 3.1.0 asks for beyond the shape above (4.8.8 to 4.8.17, 4.8.24, 4.8.30): each fault a line, none where it is right. */
export function faultsOf(document: ApiDocument): string[] {
  const { paths, components } = document;
  // OpenAPI's schemas are JSON Schema 2020-12 (4.8.24); formats are annotations there
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const faults: string[] = [];
  const compiled = (where: string, schema: Schema): void => {
    try {
      ajv.compile({ ...schema, components } as object);
    } catch (error) {
      faults.push(`${where}: ${String(error)}`);
    }
  };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const where = `${method.toUpperCase()} ${path}`;
      if (!path.startsWith('/') || !METHODS.includes(method)) faults.push(`${where}: no path or no method`);
      const inPath = operation.parameters.filter((each) => each.in === 'path');
      if (inPath.map(({ name }) => name).join() !== namesIn(path).join() || inPath.some(({ required }) => !required))
        faults.push(`${where}: its path's parameters are ${inPath.map(({ name }) => name).join()}`);
      const bodies = [operation.requestBody, ...Object.values(operation.responses)].flatMap((each) => Object.values(each?.content ?? {}));
      for (const { schema } of [...operation.parameters, ...bodies]) compiled(where, schema);
      for (const [status, { $ref, description }] of Object.entries(operation.responses)) {
        if (!/^([1-5][0-9]{2}|[1-5]XX|default)$/.test(status)) faults.push(`${where}: ${status} is no status`);
        const known = $ref === undefined ? description : components.responses[$ref.replace('#/components/responses/', '')];
        if (!known) faults.push(`${where}: ${status} says nothing`);
      }
      if (!Object.keys(operation.responses).some((status) => status.startsWith('2'))) faults.push(`${where}: nothing comes of it`);
      for (const name of operation.security.flatMap((each) => Object.keys(each)))
        if (!(name in components.securitySchemes)) faults.push(`${where}: ${name} is no security scheme`);
      if (!operation.summary || operation.summary.length > 80) faults.push(`${where}: a short summary is missing`);
    }
  return faults;
}
