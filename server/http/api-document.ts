import type { SwaggerTransform, SwaggerTransformObject } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PERMISSIONS, type Rule } from '../permission/rules.ts';
import { sessionCookie } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { ApiError } from '../protocol/http.ts';

/** What stands in the document of a route beside what its schemas say. */
type Told = {
  hide?: boolean;
  tags?: readonly string[];
  description?: string;
  security?: readonly Record<string, readonly string[]>[];
  consumes?: readonly string[];
  produces?: readonly string[];
  body?: unknown;
  response?: unknown;
};

const DESCRIPTION = `Live field capture: operations, angles, recordings, and who may do what with them.

**Who asks.** A person signs in with \`POST /api/session\` and is known by the session's cookie from then on; here "Try it out" uses the
session of the page. A machine sends an access token, which its owner makes with \`POST /api/session/tokens\`, as
\`Authorization: Bearer …\`; it does what its owner may, and of that only what it was made for. Phones and encoders have the secret of
a capture link. Each route says what it asks for (\`x-permission\`, \`security\`); an operation that somebody may not see is answered
as one that does not exist.

**What it answers.** JSON unless said otherwise; moments are milliseconds UTC in the hub's time. Every refusal is an \`ApiError\`, whose
\`code\` and \`field\` are made for programs. What changes something that others may have changed too carries the \`version\` that was
seen, and is a 409 with the field \`version\` when there is a newer one. Requests from pages of other sites are refused, but for WHIP and
WHEP.`;

const TAGS = {
  account: 'Signing in and out, and the own account: password, authenticator, sessions, tokens for machines',
  operations: 'Operations and their angles',
  sources: 'Cameras that are fetched or that push',
  links: 'Links by which phones and encoders film',
  capture: "A phone's side of its link",
  recordings: 'What was recorded: HLS, pictures',
  cases: 'Cases that operations belong to',
  'shot-lists': 'What is filmed at each type of operation',
  devices: 'The register of devices',
  people: 'Squads and people',
  custody: 'The custody log',
  whip: 'Encoders film (RFC 9725)',
  whep: 'Players watch',
  health: 'For supervisors and load balancers',
};
/** The resource by the address; the first that fits. What fits none is named by the first part of its address. */
const RESOURCES: [RegExp, keyof typeof TAGS][] = [
  [/^\/api\/session\b/, 'account'],
  [/^\/api\/(squads|people)\b/, 'people'],
  [/^\/api\/capture\//, 'capture'],
  [/\/links\b/, 'links'],
  [/\/(camera|source)$/, 'sources'],
  [/\/shots\b/, 'shot-lists'],
  [/^\/hls\/|\/poster\.jpg$|\/stills\//, 'recordings'],
  [/^\/(healthz|readyz)$/, 'health'],
];
const tagOf = (url: string): string =>
  RESOURCES.find(([pattern]) => pattern.test(url))?.[1] ?? /^\/(?:api\/)?([\w-]+)/.exec(url)?.[1] ?? 'other';

const BYTES = { type: 'string', format: 'binary' };
/** Bodies and answers that are no JSON, by address. */
const NOT_JSON: [RegExp, Pick<Told, 'consumes' | 'produces'>][] = [
  [/\/capture\/stills$/, { consumes: ['image/jpeg', 'image/png'] }],
  [/\/capture\/probe$/, { consumes: ['application/octet-stream'] }],
  [/\.m3u8$/, { produces: ['application/vnd.apple.mpegurl'] }],
  [/^\/hls\/.*\/:file$/, { produces: ['video/mp4', 'audio/mp4'] }],
  [/\/poster\.jpg$/, { produces: ['image/jpeg'] }],
  [/\/stills\/:stillId$/, { produces: ['image/jpeg', 'image/png'] }],
  [/\/custody\/export$/, { produces: ['application/x-ndjson'] }],
  [/^\/wh[ei]p\/.*\/:angleId$/, { produces: ['application/sdp'] }],
  [/^\/wh[ei]p\/.*\/:sessionId$/, { produces: ['application/trickle-ice-sdpfrag'] }],
  [/\.csv$/, { produces: ['text/csv'] }],
];

/** How a request shows that it keeps this rule; an empty one among them: it need not. */
export function securityOf(rule: Rule, { method, url }: { method: string; url: string }): Record<string, string[]>[] {
  if (rule.by === 'anyone') return [];
  if (rule.by === 'signed-in') return [{ session: [] }];
  if (rule.by === 'permission') return [{ session: [] }, { accessToken: [] }];
  if (url.startsWith('/whip/')) return [{ linkSecret: [] }];
  // the body of the exchange holds the secret
  return method === 'POST' && url === '/api/capture/session' ? [{}, { captureSession: [] }] : [{ captureSession: [] }];
}

export const permissionOf = (rule: Rule): string => (rule.by === 'permission' ? rule.permission : rule.by);

const WHERE = {
  operation: "in a squad of the operation's",
  case: "in the case's squad",
  device: "in the device's squad",
  hub: 'in any squad',
  brigade: 'in the whole brigade',
};
function sentenceOf(rule: Rule): string {
  if (rule.by === 'permission') {
    const state = rule.states ? `, while the operation is ${rule.states.join(' or ')}` : '';
    return `Permission \`${rule.permission}\`: ${PERMISSIONS[rule.permission].join(', ')}, ${WHERE[rule.of]}${state}.`;
  }
  if (rule.by === 'signed-in') return 'Whoever is signed in; no machine.';
  return rule.by === 'link' ? `By capture link: ${rule.why}.` : `Anyone: ${rule.why}.`;
}

/** A route's part of the document: its schemas, and what its rule asks for. */
const transform: SwaggerTransform = (given) => {
  const { url, route } = given;
  const schema: Told = jsonSchemaTransform(given).schema ?? {};
  const rule = route.config?.rule;
  if (schema.hide === true || !rule) return { schema: { ...schema, hide: true }, url };
  const logged = 'logged' in rule && rule.logged !== undefined ? ` In the custody log: \`${rule.logged}\`.` : '';
  const method = String(route.method);
  const { consumes, produces } = NOT_JSON.find(([pattern]) => method !== 'DELETE' && pattern.test(url))?.[1] ?? {};
  const told = {
    ...schema,
    tags: schema.tags ?? [tagOf(url)],
    description: [schema.description, sentenceOf(rule) + logged].filter(Boolean).join('\n\n'),
    security: securityOf(rule, { method, url }),
    'x-permission': permissionOf(rule),
    ...(consumes && { consumes, body: BYTES }),
    ...(produces && { produces, response: schema.response ?? { 200: BYTES } }),
  };
  return { schema: told, url };
};

const ERROR = { $ref: '#/components/schemas/ApiError' };
const refusal = (description: string) => ({ description, content: { 'application/json': { schema: ERROR } } });

/** What every route answers when it refuses or fails is said once; so is which bodies may be left out. */
const transformObject: SwaggerTransformObject = (document) => {
  if (!('openapiObject' in document)) return document.swaggerObject;
  const { openapiObject } = document;
  for (const path of Object.values(openapiObject.paths ?? {}))
    for (const operation of Object.values(path ?? {}) as Operation[]) {
      operation.responses['4XX'] = { $ref: '#/components/responses/Refused' };
      operation.responses['5XX'] = { $ref: '#/components/responses/Failed' };
      const body = operation.requestBody?.content['application/json']?.schema.anyOf ?? [];
      if (operation.requestBody && body.some(({ type }) => type === 'null')) operation.requestBody.required = false;
      for (const [status, response] of Object.entries(operation.responses))
        if (response.description === 'Default Response') response.description = STATUS[status] ?? 'Done';
    }
  return openapiObject;
};
type Operation = {
  requestBody?: { required: boolean; content: Record<string, { schema: { anyOf?: { type?: string }[] } }> };
  responses: Record<string, { description?: string; $ref?: string }>;
};
const STATUS: Record<string, string> = { 200: 'As asked', 201: 'Made', 204: 'Done; nothing more to say', 503: 'Not ready' };

/** Options of `@fastify/swagger`: the OpenAPI 3.1 document, made from the schemas that validate and the rules that decide. */
export function apiDocument(context: Pick<Context, 'settings'>, version: string) {
  const bearer = (description: string) => ({ type: 'http' as const, scheme: 'bearer', description });
  const cookie = (name: string, description: string) => ({ type: 'apiKey' as const, in: 'cookie' as const, name, description });
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'fieldhub', description: DESCRIPTION, version, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          session: cookie(sessionCookie(context), 'Somebody who has signed in'),
          accessToken: bearer('An access token of somebody, for a machine'),
          captureSession: cookie('fh_capture', 'A phone that has exchanged the secret of a capture link'),
          linkSecret: bearer('The secret of a capture link: what stands behind # in its address'),
        },
        schemas: {
          ApiError: z.toJSONSchema(ApiError) as object,
        },
        responses: {
          Refused: refusal(
            '400 not understood, 401 sign in first, 403 not allowed, 404 not there or not to be seen, 409 not now or a newer version, 410 over, 413 too large, 415 another kind of body, 429 too many: wait a minute',
          ),
          Failed: refusal('500 the hub failed, 503 a part of it is away, 504 it took too long, 507 the disk is full'),
        },
      },
    },
    transform,
    transformObject,
  };
}
