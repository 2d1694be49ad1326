import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError, messageOf } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { ResultOf } from '../../media/protocol/requests.ts';
import { Attempts } from '../auth/attempts.ts';
import type { Context } from '../context.ts';
import { anyone, type Rule } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { readFragment, writeFragment } from '../sdp/fragment.ts';
import { MAX_SDP_BYTES } from '../sdp/offer.ts';
import { iceServerLinks } from './ice-servers.ts';

export type OfAngle = { operationId: string; angleId: string };
export type StartedSession = { transport: ResultOf<'createTransport'>; answer: string };
type StartingPeer = { peerId: string; owner: string; userAgent: string | undefined; request: FastifyRequest };
export type WebRtcResource = {
  name: 'whip' | 'whep';
  /** Who may begin a session, and who may go on with one or ask whether there may be one. */
  rules: { start: { config: { rule: Rule } }; session: { config: { rule: Rule } } };
  /** What the client may do, checked before its body is read; the owner of its sessions. Throws. */
  admit: (request: FastifyRequest, angle: OfAngle) => Promise<string>;
  /** Answer an offer. What it has made when it throws is closed by the caller. */
  start: (angle: OfAngle, peer: StartingPeer, offer: string) => Promise<StartedSession>;
};

const Angle = z.object({ operationId: Id, angleId: Id });
const Session = Angle.extend({ sessionId: z.string().regex(/^[0-9a-f]{32}$/) });
const errors = { '4xx': ApiError, '5xx': ApiError };
const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const EXPOSED = 'Location, ETag, Link, Accept-Patch, Accept-Post, Allow, Retry-After, WWW-Authenticate';
/** Sessions, and ICE restarts of one session, that somebody may begin in a minute (RFC 9725, 5: flooding). */
const A_MINUTE = 60;
/** Seconds after which it is worth to ask again what was refused for the moment. */
const RETRY_S: Record<number, number> = { 409: 2, 429: 60, 503: 2, 504: 2 };

/**
 * The HTTP side that WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) have in common: an endpoint an angle, to which an offer
 * is posted, and a resource a session, for ICE restarts (PATCH) and the end (DELETE). Sessions are peers of the media plane
 * and nothing else: those that publish outlive the control plane (`LiveRights` ends those that watch), and after a restart of
 * the hub there is none.
 */
export function webRtcResource(app: FastifyInstance, context: Context, resource: WebRtcResource): void {
  const endpoint = `/${resource.name}/:operationId/:angleId`;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([SDP, FRAGMENT], { parseAs: 'string', bodyLimit: MAX_SDP_BYTES }, (_, body, done) => done(null, body));
  installHeaders(app, resource.name);
  /** For clients that want to know before they make their offer (RFC 9725, 4.6): those that say who they are, and no preflight does. */
  const early = async (request: FastifyRequest): Promise<string[]> => {
    const { authorization, 'access-control-request-method': preflight } = request.headers;
    if (authorization === undefined || preflight !== undefined) return [];
    await resource.admit(request, request.params as OfAngle);
    return iceServerLinks(context.iceServers(newSessionId()));
  };
  preflights(app, endpoint, 'OPTIONS, GET, HEAD, POST', ['PUT', 'PATCH', 'DELETE'], early);
  preflights(app, `${endpoint}/:sessionId`, 'OPTIONS, GET, HEAD, PATCH, DELETE', ['POST', 'PUT'], async () => []);
  void app.register(async (guarded) => {
    const owners = new WeakMap<FastifyRequest, string>();
    const ownerOf = (request: FastifyRequest): string => owners.get(request) ?? '';
    guarded.addHook('onRequest', async (request) => {
      owners.set(request, await resource.admit(request, request.params as OfAngle));
    });
    endpointRoutes(guarded, context, resource, endpoint, ownerOf);
    sessionRoutes(guarded, context, `${endpoint}/:sessionId`, { rule: resource.rules.session, ownerOf });
  });
}

/** CORS (RFC 9725, 4.1: browsers publish from other sites), what to do after a refusal, and how to authenticate (RFC 6750, 3). */
function installHeaders(app: FastifyInstance, name: string): void {
  app.addHook('onSend', async (request, reply) => {
    void reply.headers({ 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED });
    const retry = RETRY_S[reply.statusCode];
    if (retry !== undefined) void reply.header('retry-after', retry);
    if (reply.statusCode !== 401) return;
    const invalid = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
    void reply.header('www-authenticate', `Bearer realm="fieldhub ${name}"${invalid}`);
  });
}

/** OPTIONS, and a plain 405 for methods that are kept for the future (RFC 9725, 4.1). Neither asks for a token. */
function preflights(
  app: FastifyInstance,
  url: string,
  allow: string,
  refused: ('POST' | 'PUT' | 'PATCH' | 'DELETE')[],
  linksFor: (request: FastifyRequest) => Promise<string[]>,
): void {
  app.route({
    method: 'OPTIONS',
    url,
    schema: { hide: true },
    ...anyone('browsers send no right with a preflight; what needs one asks for it itself'),
    handler: async (request, reply) => {
      const links = await linksFor(request);
      return reply
        .headers({
          allow,
          ...(links.length > 0 ? { link: links, 'cache-control': 'no-store' } : {}),
          'access-control-allow-methods': allow,
          'access-control-allow-headers': 'Authorization, Content-Type, If-Match',
          'access-control-max-age': '86400',
          ...(allow.includes('POST') ? { 'accept-post': SDP } : { 'accept-patch': FRAGMENT }),
        })
        .send();
    },
  });
  app.route({
    method: refused,
    url,
    schema: { hide: true },
    ...anyone('refused whoever asks'),
    onRequest: async (request, reply) => {
      void reply.header('allow', allow);
      throw new HubError('method_not_allowed', `${request.method} is not for this address (${allow})`);
    },
    handler: async () => undefined,
  });
}

function endpointRoutes(
  app: FastifyInstance,
  context: Context,
  { name, start, rules }: WebRtcResource,
  url: string,
  ownerOf: (request: FastifyRequest) => string,
): void {
  const { media } = context.hub;
  const begun = new Attempts(A_MINUTE);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const summary = name === 'whip' ? 'Film an angle with an encoder (WHIP, RFC 9725)' : 'Watch an angle (WHEP)';

  // RFC 9725, 4.1: there is nothing to be seen, and that is no error
  routes.get(url, { schema: { hide: true, params: Angle }, ...rules.session }, async (_, reply) => reply.status(204).send());

  routes.post(
    url,
    {
      schema: { summary, consumes: [SDP], params: Angle, body: z.string().min(1), response: { 201: z.string(), ...errors } },
      preValidation: async (request) => requireType(request, SDP),
      serializerCompiler: plainText,
      ...rules.start,
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      begun.note(`${request.ip} ${angleId} ${ownerOf(request)}`, Date.now());
      const peerId = newSessionId();
      const peer = { peerId, owner: ownerOf(request), userAgent: request.headers['user-agent'], request };
      const { transport, answer } = await start({ operationId, angleId }, peer, request.body).catch(async (error: unknown) => {
        await media.request('closePeer', { peerId, reason: 'connection-lost' }).catch((cause: unknown) => {
          context.log.warn({ reason: messageOf(cause) }, 'a refused session was not closed');
        });
        throw error;
      });
      context.log.info({ operationId, angleId, protocol: name }, 'session begun');
      const links = iceServerLinks(context.iceServers(peerId));
      return reply
        .status(201)
        .headers({
          location: `/${name}/${operationId}/${angleId}/${peerId}`,
          etag: entityTag(String(transport.iceParameters['usernameFragment'])),
          'accept-patch': FRAGMENT,
          'cache-control': 'no-store',
          ...(links.length > 0 ? { link: links } : {}),
        })
        .type(SDP)
        .send(answer);
    },
  );
}

/** One session: its ICE (RFC 9725, 4.3) and its end. */
function sessionRoutes(
  app: FastifyInstance,
  context: Context,
  url: string,
  { rule, ownerOf }: { rule: { config: { rule: Rule } }; ownerOf: (request: FastifyRequest) => string },
): void {
  const { media } = context.hub;
  const restarts = new Attempts(A_MINUTE);
  const routes = app.withTypeProvider<ZodTypeProvider>();

  /** Throws `not_found` for a session that has ended, `forbidden` for somebody else's. */
  const find = async (request: FastifyRequest): Promise<{ peerId: string; transportId: string; ufrag: string }> => {
    const { sessionId: peerId, operationId } = request.params as z.infer<typeof Session>;
    const state = await media.request('peerState', { peerId });
    const [transportId] = state.transports;
    const [ufrag] = state.iceUfrags;
    if (!transportId || !ufrag || state.operationId !== operationId)
      throw new HubError('not_found', 'this session has ended', { field: 'sessionId' });
    if (state.owner !== ownerOf(request))
      throw new HubError('forbidden', 'this session was begun with another token', { field: 'sessionId' });
    return { peerId, transportId, ufrag };
  };

  routes.get(url, { schema: { hide: true, params: Session }, ...rule }, async (request, reply) => {
    await find(request);
    return reply.status(204).send();
  });

  routes.patch(
    url,
    {
      schema: {
        summary: 'Trickle ICE (204) or ICE restart (200)',
        consumes: [FRAGMENT],
        params: Session,
        body: z.string().min(1),
        response: { 200: z.string(), 204: z.null(), ...errors },
      },
      preValidation: async (request) => requireType(request, FRAGMENT),
      serializerCompiler: plainText,
      ...rule,
    },
    async (request, reply) => {
      const { peerId, transportId, ufrag } = await find(request);
      const restart = matchSession(request, ufrag);
      const fragment = readFragment(request.body);
      // the hub is ICE-lite: it learns of the client's candidates from its checks (RFC 8445, 2.5)
      if (!restart) return reply.status(204).send(null);
      if (fragment.ufrag === null)
        throw new HubError('bad_request', 'SDP fragment: an ICE restart needs a=ice-ufrag and a=ice-pwd', { field: 'sdp' });
      restarts.note(peerId, Date.now());
      const restarted = await media.request('restartIce', { peerId, transportId });
      return reply
        .header('etag', entityTag(String(restarted.iceParameters['usernameFragment'])))
        .type(FRAGMENT)
        .send(writeFragment(fragment.mid, restarted));
    },
  );

  routes.delete(
    url,
    { schema: { summary: 'End a session', params: Session, response: { 200: z.string(), ...errors } }, ...rule },
    async (request, reply) => {
      const { peerId } = await find(request);
      await media.request('closePeer', { peerId, reason: 'stopped-by-operator' });
      context.liveViews.end(peerId); // the media plane tells of ends that were not asked for
      return reply.send('');
    },
  );
}

/** Unguessable (RFC 9725, 5): whoever knows it and the token may end the session. */
const newSessionId = (): string => randomBytes(16).toString('hex');

/** SDP is sent as it is, errors as JSON. */
const plainText = ({ httpStatus }: { httpStatus?: string | undefined }): ((data: unknown) => string) =>
  httpStatus?.startsWith('2') ? String : JSON.stringify;
/** The ICE session's entity tag (RFC 9725, 4.3.1): its username fragment, random and new with each restart. */
const entityTag = (ufrag: string): string => `"${ufrag}"`;

/** `*` asks for a restart, the present tag for none (RFC 9725, 4.3). Throws `precondition_required`, `precondition_failed`. */
function matchSession(request: FastifyRequest, ufrag: string): boolean {
  const given = request.headers['if-match'];
  if (given === undefined) throw new HubError('precondition_required', 'If-Match must name the ICE session, or be * for a restart');
  if (given.trim() === '*') return true;
  if (!given.split(',').some((tag) => tag.trim() === entityTag(ufrag)))
    throw new HubError('precondition_failed', 'If-Match names an ICE session that is over');
  return false;
}

function requireType(request: FastifyRequest, type: string): void {
  const given = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (given !== type) throw new HubError('unsupported_type', `the body must be ${type}`, { field: 'content-type' });
}
