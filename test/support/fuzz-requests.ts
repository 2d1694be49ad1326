import fc from 'fast-check';
import { type ApiRoute, namesIn } from './api-document.ts';
import { fromSchema } from './from-schema.ts';
import { brokenText, hostileValue, spoil, spoiling } from './hostile.ts';
import { hostileHeaders, hostileQuery, hostileSegment, hostileType } from './hostile-http.ts';
import type { KnownIds } from './known-ids.ts';
import { ffmpegOffer, obsOffer } from './sdp-offers.ts';

/** A request as it was thought up; `{{name#n}}` in it stands for something that exists. */
export type Planned = {
  route: string;
  method: string;
  path: string;
  query: string[];
  headers: Record<string, string>;
  type: string | null;
  body: string | null;
  /** Whether the characters of the body are its bytes. */
  bytes: boolean;
  /** Which of the things that exist is meant. */
  nth: number;
  /** Which of the client's addresses it comes from. */
  from: number;
};
export type Sent = { method: string; path: string; headers: Record<string, string>; body: Buffer | null };

const ADDRESSES = 48;
const OTHER_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const ABSENT = [
  '20260101-aaaaaaaa',
  'an-aaaaaaaa',
  'pe-aaaaaaaa',
  '0001',
  '1-1.m4s',
  'dv-0123456789abcdef',
  '0123456789abcdef0123456789abcdef',
];
/** Bodies that are no JSON, by their type; others are any bytes. */
const SAMPLES: Record<string, string[]> = {
  'application/sdp': [obsOffer, ffmpegOffer, obsOffer.replaceAll('sendonly', 'recvonly')],
  'application/trickle-ice-sdpfrag': [
    'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n',
  ],
  'image/jpeg': ['\u00ff\u00d8\u00ff\u00e0\u0000\u0010JFIF\u0000', ''],
  'image/png': ['\u0089PNG\r\n\u001a\n', ''],
};

const seldom = <T>(usual: T, odd: fc.Arbitrary<T>, weight = 9): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });

type Body = Pick<Planned, 'type' | 'body' | 'bytes'>;
const none: Body = { type: null, body: null, bytes: false };

function bodyOf({ bodies }: ApiRoute): fc.Arbitrary<Body> {
  const kinds = bodies.map(([type, schema]): fc.Arbitrary<Body> => {
    if (type !== 'application/json') {
      const sample = fc.constantFrom(...(SAMPLES[type] ?? ['\u0000\u00ff'.repeat(500)]));
      const text = fc
        .tuple(
          sample,
          seldom((each: string) => each, brokenText, 3),
        )
        .map(([whole, change]) => change(whole));
      return text.map((body) => ({ type, body, bytes: true }));
    }
    const right = fromSchema(schema);
    const json = (value: unknown): Body => ({ type, body: JSON.stringify(value) ?? '', bytes: false });
    return fc.oneof(
      { weight: 5, arbitrary: right.map(json) },
      { weight: 4, arbitrary: fc.tuple(right, spoiling).map(([value, how]) => json(spoil(value, how))) },
      { weight: 1, arbitrary: fc.tuple(right, spoiling, spoiling).map(([value, a, b]) => json(spoil(spoil(value, a), b))) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(right, brokenText, fc.boolean())
          .map(([value, change, bytes]) => ({ type, body: change(JSON.stringify(value)), bytes })),
      },
    );
  });
  const unasked = hostileValue.map((value): Body => ({ type: 'application/json', body: JSON.stringify(value) ?? '', bytes: false }));
  if (kinds.length === 0) return seldom(none, unasked);
  return fc.oneof(
    { weight: 12, arbitrary: fc.oneof(...kinds) },
    { weight: 1, arbitrary: fc.constant(none) },
    { weight: 1, arbitrary: unasked },
  );
}

function queryOf({ query }: ApiRoute): fc.Arbitrary<string[]> {
  const each = query.map(({ name, required, schema }) =>
    fc
      .tuple(fromSchema(schema, name), required ? seldom(true, fc.constant(false)) : fc.boolean(), seldom(1, fc.constant(2), 15))
      .map(([value, there, times]) => Array.from({ length: there ? times : 0 }, () => `${name}=${encoded(String(value))}`)),
  );
  const right = fc.tuple(...each).map((pairs) => pairs.flat());
  if (query.length === 0) return seldom([] as string[], hostileQuery);
  return fc.oneof(
    { weight: 4, arbitrary: right },
    { weight: 1, arbitrary: hostileQuery },
    { weight: 1, arbitrary: fc.tuple(right, hostileQuery).map((both) => both.flat()) },
  );
}
const encoded = (text: string): string => (text.startsWith('{{') ? text : encodeURIComponent(text.toWellFormed()));

function requestTo(route: ApiRoute): fc.Arbitrary<Planned> {
  const names = namesIn(route.path);
  const segment = (name: string): fc.Arbitrary<string | null> =>
    fc.oneof(
      { weight: 16, arbitrary: fc.constantFrom(...(route.params[name]?.enum ?? [null])) as fc.Arbitrary<string | null> },
      { weight: 1, arbitrary: fc.constantFrom(...ABSENT) },
      { weight: 1, arbitrary: hostileSegment },
    );
  return fc
    .record({
      nth: fc.nat(30),
      from: fc.nat(ADDRESSES - 1),
      segments: fc.tuple(...names.map(segment)),
      query: queryOf(route),
      headers: seldom({}, hostileHeaders, 7),
      method: seldom(route.method, fc.constantFrom(...OTHER_METHODS), 24),
      body: bodyOf(route),
      type: seldom<string | null>(null, hostileType, 14),
    })
    .map(({ nth, from, segments, query, headers, method, body, type }) => ({
      route: `${route.method} ${route.path}`,
      method,
      path: route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => segments[names.indexOf(name)] ?? `{{${name}#${nth}}}`),
      query,
      headers,
      ...body,
      type: type ?? body.type,
      nth,
      from,
    }));
}

/** What is ended is there for no request after it: endings are seldom, and so is what the document does not have. */
function weightOf({ method, path }: ApiRoute, byHand: boolean): number {
  if (byHand) return 2;
  if (path === '/api/session') return method === 'POST' ? 10 : 1;
  return method === 'DELETE' || /\/(end|seal)$/.test(path) ? 4 : 10;
}

/** Requests to all these routes, most of them with one thing wrong and many with nothing. */
export const requestsTo = (described: ApiRoute[], byHand: ApiRoute[]): fc.Arbitrary<Planned> =>
  fc.oneof(
    ...described.map((route) => ({ weight: weightOf(route, false), arbitrary: requestTo(route) })),
    ...byHand.map((route) => ({ weight: weightOf(route, true), arbitrary: requestTo(route) })),
  );

/** As it goes over the wire. `right`: headers by which it is somebody's; `meant`: what it is about, where that is settled. */
export function toSend(planned: Planned, ids: KnownIds, right: Record<string, string>, meant: Record<string, string> = {}): Sent {
  const names = [...planned.path.matchAll(/\{\{(\w+)#/g)].map(([, name]) => name ?? '');
  const found = { ...ids.together(names, planned.nth), ...meant };
  const context = Object.fromEntries(Object.entries(found).filter(([name]) => names.includes(name)));
  const path = ids.fill(planned.path, context) + (planned.query.length > 0 ? `?${ids.fill(planned.query.join('&'), context)}` : '');
  const body = planned.body === null ? null : Buffer.from(ids.fill(planned.body, context), planned.bytes ? 'latin1' : 'utf8');
  const headers: Record<string, string> = {
    ...right,
    ...(planned.type === null ? {} : { 'content-type': planned.type }),
    ...planned.headers,
  };
  if (body !== null && !('content-length' in headers) && !('transfer-encoding' in headers)) headers['content-length'] = String(body.length);
  return { method: planned.method, path, headers, body };
}
