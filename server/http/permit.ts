import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import { TALK_ANGLE } from '../../media/protocol/talk.ts';
import { Attempts } from '../auth/attempts.ts';
import { identify } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { type Actor, type Bounds, decide, type Decision } from '../permission/decide.ts';
import type { Named, Permission, Rule } from '../permission/rules.ts';
import type { CustodyEntry, Json, Who, What } from '../custody/lines.ts';
import type { Seen } from '../custody/recording-views.ts';
import { newId } from '../live/new-angle.ts';
import { BOUNDS, operationBounds, segmentLength } from '../store/operation-bounds.ts';
import { angleName } from '../store/operations.ts';
import { failure } from './errors.ts';

/** `hidden`: not in the description of the API. */
export type RuledRoute = { method: string; url: string; rule: Rule; hidden: boolean };

const actors = new WeakMap<FastifyRequest, Actor>();
/** What each request has in the custody log already. */
const written = new WeakMap<FastifyRequest, CustodyEntry[]>();
const made = new WeakMap<FastifyRequest, string>();

const refusals = new Attempts(60);
/** Whoever is refused again and again may not fill the log. */
export const worthALine = ({ personId }: Actor): boolean => within(refusals, personId);

/** A page whose session is over goes on asking: a line an address in ten minutes. From however many addresses, so many a minute. */
const strangers = new Attempts(1, 600_000);
const allStrangers = new Attempts(60);

function within(attempts: Attempts, key: string): boolean {
  try {
    attempts.note(key, Date.now());
    return true;
  } catch {
    return false; // too many
  }
}

/** Who makes the request. Throws `unauthorized` for nobody, on a route whose rule lets nobody in too. */
export function actorOf(request: FastifyRequest): Actor {
  const actor = actors.get(request);
  if (!actor) throw refusal('sign-in');
  return actor;
}

/** The id of what this request makes (`makes` of its rule), which its line in the custody log names already. */
export function madeId(request: FastifyRequest): string {
  const id = made.get(request);
  if (id === undefined) throw new HubError('internal', `the rule of ${request.url} does not say that something is made`);
  return id;
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
    const decision = decide(rule, actor, await boundsOf(context, request, rule));
    if (decision === 'allowed') {
      if (actor) actors.set(request, actor);
      return;
    }
    // that nobody has an account of his own is no refusal: every page asks who is signed in
    if (actor || rule.by === 'permission') noteRefusal(context, request, actor, { decision });
    throw refusal(decision);
  });
  app.addHook('preHandler', async (request) => {
    const rule = ruleOf(request);
    if (rule === null || !('logged' in rule) || rule.logged === undefined) return;
    const { logged, how, makes } = rule;
    if (makes !== undefined) made.set(request, newId(makes));
    if (how === 'route') return;
    const line = lineOf(request, actorOf(request), logged);
    if (how === 'range' && line.operationId !== null) {
      const { who, operationId, angleId } = line;
      if (angleId !== null && angleId !== TALK_ANGLE) await angleName(context.store, operationId, angleId);
      const what = logged === 'view.live' ? logged : 'view.recording';
      await context.recordingViews.see({ what, who, operationId, angleId }, await seenBy(context, request));
      return;
    }
    const sent = rule.by === 'permission' ? sentWith(request) : {};
    await record(context, request, { detail: { ...line.detail, ...sent } });
  });
  app.addHook('onError', async (request, _, error) => {
    for (const line of written.get(request) ?? []) context.custody.note({ ...line, outcome: 'failed', detail: failure(error) });
  });
  return routes;
}

/**
 * The line of a request, as its rule has it but for what is given: what the preHandler does for all, and routes whose rule says
 * `route` for themselves. Should the request fail after that, the log says so. Throws `unavailable`: then it must not happen.
 */
export async function record(context: Context, request: FastifyRequest, given: Partial<CustodyEntry>): Promise<void> {
  const rule = ruleOf(request);
  const what = given.what ?? (rule !== null && 'logged' in rule ? rule.logged : undefined);
  if (what === undefined) throw new HubError('internal', `the rule of ${request.url} does not say what is logged`);
  const line: CustodyEntry = { ...lineOf(request, actorOf(request), what), ...given };
  await context.custody.record(line);
  written.set(request, [...(written.get(request) ?? []), line]);
}

/** What one line of the request says has not happened after all, though the rest has. */
export function noteUndone({ custody }: Context, request: FastifyRequest, what: What, why: string): void {
  for (const line of written.get(request) ?? []) if (line.what === what) custody.note({ ...line, outcome: 'failed', detail: { why } });
}

/** Of what the request names, where its rule is about that; null also where there is nothing of that name. */
async function boundsOf({ store }: Context, { params }: FastifyRequest, rule: Rule): Promise<Bounds | null> {
  if (rule.by !== 'permission' || rule.of === 'hub' || rule.of === 'brigade') return null;
  const { param, read } = BOUNDS[rule.of];
  const id = ((params ?? {}) as Record<string, string | undefined>)[param];
  return id === undefined ? null : read(store, id);
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
  if (decision === 'allowed' && known) return known;
  const why = decision === 'allowed' ? 'sign-in' : decision;
  noteRefusal(context, request, known, { permission, decision: why }, operationId);
  throw refusal(why);
}

/** Somebody signed in was refused by the route itself: a wrong password, say. */
export function noteRefused(context: Context, request: FastifyRequest, why: string): void {
  noteRefusal(context, request, actorOf(request), { why });
}

function noteRefusal(
  { custody }: Context,
  request: FastifyRequest,
  actor: Actor | null,
  why: Record<string, string>,
  operationId?: string,
): void {
  const worth = actor ? worthALine(actor) : within(strangers, request.ip) && within(allStrangers, 'all');
  if (!worth) return;
  const line = lineOf(request, actor, 'refused');
  const where = operationId === undefined ? {} : { operationId: idOrNull(operationId) };
  custody.note({ ...line, ...where, outcome: 'refused', detail: { ...line.detail, ...askedFor(request), ...why } });
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

const nobody = (address: string): Who => ({ kind: 'nobody', id: null, name: null, address });

/** What the address of a request names: the last of it is what is meant, what stands before that goes with the details. */
function lineOf(request: FastifyRequest, actor: Actor | null, what: What) {
  const { operationId, angleId, ...rest } = (request.params ?? {}) as Record<string, string>;
  const rule = ruleOf(request);
  const makes = made.get(request) ?? null;
  const isAngle = what === 'angle.made';
  const named = { operationId: idOrNull(operationId), angleId: isAngle ? makes : idOrNull(angleId) };
  const before = Object.entries(rest);
  const last = before.pop()?.[1] ?? null;
  const detail = { ...Object.fromEntries(before), ...(rule !== null && 'logged' in rule && what === rule.logged ? rule.detail : {}) };
  const who = actor ? whoIs(actor, request.ip) : nobody(request.ip);
  return { what, who, ...named, subject: isAngle ? last : (makes ?? last), detail: detail as Record<string, Json> };
}

/** Whoever is refused may have asked for anything: what cannot name something is none of the log's names. */
const idOrNull = (text: string | undefined): string | null => Id.safeParse(text).data ?? null;

/** What a request shows of a recording: the stretch of hub time of a segment's cell, or which picture; null for what shows nothing. */
async function seenBy({ store }: Context, request: FastifyRequest): Promise<Seen | null> {
  const { operationId = '', file = '', stillId } = request.params as { operationId?: string; file?: string; stillId?: string };
  if (stillId !== undefined) return { picture: stillId };
  if (request.routeOptions.url?.endsWith('/poster.jpg') === true) return { picture: 'poster' };
  const cell = /^(\d+)-\d+\.m4s$/.exec(file)?.[1];
  if (cell === undefined) return null;
  const segmentMs = await segmentLength(store, operationId);
  return { fromMs: Number(cell) * segmentMs, toMs: (Number(cell) + 1) * segmentMs };
}

/** What was sent, or asked for, as its schema has left it; nothing of what has none, nor of texts that are no JSON. */
function sentWith({ method, body, query, routeOptions: { schema } }: FastifyRequest): Record<string, Json> {
  const sent = method === 'GET' || method === 'HEAD' ? schema?.querystring && query : schema?.body && body;
  if (typeof sent !== 'object' || sent === null || sent instanceof Uint8Array || sent instanceof Readable) return {};
  return JSON.parse(JSON.stringify(sent)) as Record<string, Json>;
}

const askedFor = ({ method, routeOptions }: FastifyRequest): { method: string; route: string } => ({
  method,
  route: routeOptions.url ?? '',
});

/** A refusal as clients are told it. */
export function refusal(decision: Exclude<Decision, 'allowed'>): HubError {
  if (decision === 'sign-in') return new HubError('unauthorized', 'sign in first', { field: 'session' });
  if (decision === 'must-change') return new HubError('forbidden', 'choose a password of your own first', { field: 'must-change' });
  if (decision === 'over') return new HubError('gone', 'the operation has ended', { field: 'operationId' });
  if (decision === 'too-early') return new HubError('conflict', 'the operation has not ended yet', { field: 'operationId' });
  if (decision === 'forbidden') return new HubError('forbidden', 'your roles do not allow this', { field: 'permission' });
  const named = decision.replace('unknown-', '') as Named;
  return new HubError('not_found', `there is no such ${named}, or it is not one of your squads`, { field: BOUNDS[named].param });
}
