import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HubError, messageOf } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import { Attempts } from '../auth/attempts.ts';
import { identify } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { type Actor, decide, type Decision } from '../permission/decide.ts';
import type { Permission, Rule } from '../permission/rules.ts';
import type { Json, Who, What } from '../custody/lines.ts';
import type { Stretch } from '../custody/recording-views.ts';
import { operationBounds, segmentLength } from '../store/operation-bounds.ts';
import { apiError } from './errors.ts';

/** `hidden`: not in the description of the API. */
export type RuledRoute = { method: string; url: string; rule: Rule; hidden: boolean };

const actors = new WeakMap<FastifyRequest, Actor>();
/** Requests whose line stands in the custody log already. */
const written = new WeakSet<FastifyRequest>();

const refusals = new Attempts(60);
/** Whoever is refused again and again may not fill the log. */
export function worthALine({ personId }: Actor): boolean {
  try {
    refusals.note(personId, Date.now());
    return true;
  } catch {
    return false; // too many this minute
  }
}

/** Who makes the request. Throws `unauthorized` for nobody, on a route whose rule lets nobody in too. */
export function actorOf(request: FastifyRequest): Actor {
  const actor = actors.get(request);
  if (!actor) throw refusal('sign-in');
  return actor;
}

/**
 * Every route is asked for its rule when it is added, and every request for its right before anything of it is read: the one
 * way to a handler. What a rule has `logged` stands in the custody log before the handler runs, and that it failed, after.
 * Returns the routes, filled as they come. `plugins`: rules of routes that somebody else's code adds, by their address.
 */
export function installPermission(app: FastifyInstance, context: Context, plugins: Record<string, Rule> = {}): RuledRoute[] {
  const routes: RuledRoute[] = [];
  app.addHook('onRoute', (route) => {
    const { method, url, config } = route;
    const rule = config?.rule ?? plugins[url];
    if (!rule) throw new HubError('internal', `${String(method)} ${url} has no rule: who may use it?`);
    route.config = { ...config, rule };
    const hidden = route.schema?.hide === true;
    for (const each of [method].flat()) routes.push({ method: each, url, rule, hidden });
  });
  app.addHook('onRequest', async (request) => {
    const rule = ruleOf(request);
    if (rule === null || rule.by === 'anyone' || rule.by === 'link') return;
    const actor = await identify(context, request);
    const { operationId } = (request.params ?? {}) as { operationId?: string };
    const bounds = rule.by === 'permission' && rule.of === 'operation' && operationId !== undefined ? operationId : null;
    const decision = decide(rule, actor, bounds === null ? null : await operationBounds(context.store, bounds));
    if (decision === 'allowed') {
      if (actor) actors.set(request, actor);
      return;
    }
    if (actor && worthALine(actor))
      context.custody.note({ ...lineOf(request, actor, 'refused'), outcome: 'refused', detail: { ...askedFor(request), decision } });
    throw refusal(decision);
  });
  app.addHook('preHandler', async (request) => {
    const rule = ruleOf(request);
    if (rule === null || !('logged' in rule) || rule.logged === undefined) return;
    const line = lineOf(request, actorOf(request), rule.logged);
    const how = 'how' in rule ? rule.how : undefined;
    if (how === 'route') return;
    if (how === 'range' && line.operationId !== null) {
      const { who, operationId, angleId } = line;
      const what = rule.logged === 'view.live' ? rule.logged : 'view.recording';
      await context.recordingViews.see({ what, who, operationId, angleId }, await seenBy(context, request));
      return;
    }
    const detail = rule.by === 'permission' && how !== 'secret' ? sentWith(request) : {};
    await context.custody.record({ ...line, outcome: 'done', detail });
    written.add(request);
  });
  app.addHook('onError', async (request, _, error) => {
    const rule = ruleOf(request);
    if (!written.has(request) || rule === null || !('logged' in rule) || rule.logged === undefined) return;
    const { code, field } = apiError(error).body;
    const detail = { why: messageOf(error).slice(0, 200), code, ...(field !== undefined && { field }) };
    context.custody.note({ ...lineOf(request, actorOf(request), rule.logged), outcome: 'failed', detail });
  });
  return routes;
}

/** For what is asked of a request beside its route's own rule. Throws as its rule would. */
export async function requirePermission(
  context: Context,
  request: FastifyRequest,
  permission: Permission,
  operationId: string,
): Promise<Actor> {
  const known = actors.get(request) ?? (await identify(context, request));
  const rule = { by: 'permission', permission, of: 'operation' } as const;
  const decision = decide(rule, known, await operationBounds(context.store, operationId));
  if (decision !== 'allowed' || !known) throw refusal(decision === 'allowed' ? 'sign-in' : decision);
  return known;
}

/** Null where there is no such route: everybody may be told so. */
const ruleOf = (request: FastifyRequest): Rule | null => (request.is404 ? null : (request.routeOptions.config.rule ?? null));

/** How a machine, or a person, is named in the custody log. */
export const whoIs = (actor: Actor, address: string): Who => ({
  kind: actor.tokenId === null ? 'person' : 'token',
  id: actor.tokenId ?? actor.personId,
  name: actor.name,
  address,
});

function lineOf(request: FastifyRequest, actor: Actor, what: What) {
  const params = (request.params ?? {}) as Record<string, string>;
  const { operationId, angleId, ...rest } = params;
  const named = { operationId: idOrNull(operationId), angleId: idOrNull(angleId) };
  return { what, who: whoIs(actor, request.ip), ...named, subject: Object.values(rest).at(-1) ?? null };
}

/** Whoever is refused may have asked for anything: what cannot name something is none of the log's names. */
const idOrNull = (text: string | undefined): string | null => Id.safeParse(text).data ?? null;

/** The stretch of hub time that a segment's cell is; null for what is no segment. */
async function seenBy({ store }: Context, { params }: FastifyRequest): Promise<Stretch | null> {
  const { operationId = '', file = '' } = params as { operationId?: string; file?: string };
  const cell = /^(\d+)-\d+\.m4s$/.exec(file)?.[1];
  if (cell === undefined) return null;
  const segmentMs = await segmentLength(store, operationId);
  return { fromMs: Number(cell) * segmentMs, toMs: (Number(cell) + 1) * segmentMs };
}

/** What was sent, as its schema has left it; of texts that are no JSON, nothing. */
function sentWith({ body }: FastifyRequest): Record<string, Json> {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array || body instanceof Readable) return {};
  return JSON.parse(JSON.stringify(body)) as Record<string, Json>;
}

const askedFor = ({ method, routeOptions }: FastifyRequest): { method: string; route: string } => ({
  method,
  route: routeOptions.url ?? '',
});

/** A refusal as clients are told it. */
export function refusal(decision: Exclude<Decision, 'allowed'>): HubError {
  if (decision === 'sign-in') return new HubError('unauthorized', 'sign in first', { field: 'session' });
  if (decision === 'must-change') return new HubError('forbidden', 'choose a password of your own first', { field: 'must-change' });
  if (decision === 'unknown-operation')
    return new HubError('not_found', 'there is no such operation, or it is not one of your squads', { field: 'operationId' });
  return new HubError('forbidden', 'your roles do not allow this', { field: 'permission' });
}
