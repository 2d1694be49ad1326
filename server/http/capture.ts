import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HubError, messageOf } from '../../media/errors.ts';
import { Attempts } from '../auth/attempts.ts';
import { deviceOf } from '../auth/device-name.ts';
import { captureCookie, noteOpened } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { byLink } from '../permission/rules.ts';
import { AnglesInUse } from '../live/in-use.ts';
import { newAngle, newId } from '../live/new-angle.ts';
import { AngleChoice, type AngleOffer, CaptureExchange, CaptureSession } from '../protocol/capture.ts';
import { type AngleState, ApiError, type OperationView } from '../protocol/http.ts';
import { linkWho } from '../store/capture-links.ts';
import { chooseAngle, noteSeen } from '../store/seats.ts';
import { type CaptureGrant, captureGrant, exchangeToken } from '../store/sessions.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const COOKIE_S = 30 * 86_400;
/** More angles than this no operation needs, and no phone may make. */
const ANGLES_MOST = 60;
/** Sixty phones behind one address may open a link at once, each of them in two browsers, and once more; whoever goes on fills the log. */
const [OPENED_MOST, OPENED_MS] = [180, 600_000];

/** A phone's side of its link: exchanged for a cookie, renewed until the operation ends, an angle chosen. */
export function captureRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, settings } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const attempts = new Attempts();
  const opened = new Attempts(OPENED_MOST, OPENED_MS);

  const keep = (reply: FastifyReply, session: string): void => {
    const options = {
      path: '/api/capture',
      httpOnly: true,
      sameSite: 'strict',
      secure: settings.beyondLoopback,
      maxAge: COOKIE_S,
    } as const;
    void reply.setCookie(captureCookie(context), session, options);
  };
  const grantOf = (request: FastifyRequest): Promise<CaptureGrant> => captureGrant(store, request.cookies[captureCookie(context)]);

  routes.post(
    '/capture/session',
    {
      schema: { summary: "Exchange a link's secret for a session", body: CaptureExchange, response: { 200: CaptureSession, ...errors } },
      ...byLink('the link’s secret, or the session it was exchanged for'),
    },
    async (request, reply) => {
      const who = { present: request.cookies[captureCookie(context)], device: deviceOf(request.headers), address: request.ip };
      const opening = (linkHash: string): void => opened.note(`${linkHash} ${request.ip}`, Date.now());
      const { token } = request.body;
      const { session, grant, fresh } = await exchangeToken(store, token, who, hub.nowMs(), opening).catch((error: unknown) => {
        // a brigade's phones come from one address: what one of them does wrong keeps no other out
        attempts.note(`link ${request.ip}`, Date.now());
        throw error;
      });
      if (fresh) await noteOpened(context, grant, who);
      const answer = await sessionOf(context, grant);
      keep(reply, session);
      return answer;
    },
  );

  routes.get(
    '/capture/session',
    {
      schema: { summary: 'What this phone films; renews its session', response: { 200: CaptureSession, ...errors } },
      ...byLink('the link’s secret, or the session it was exchanged for'),
    },
    async (request, reply) => {
      const grant = await grantOf(request);
      const answer = await sessionOf(context, grant);
      await noteSeen(store, grant.sessionHash, hub.nowMs()).catch((error: unknown) =>
        context.log.warn({ reason: messageOf(error) }, 'a visit was not stored'),
      );
      keep(reply, request.cookies[captureCookie(context)] ?? ''); // it begins its 30 days anew
      return answer;
    },
  );

  routes.post(
    '/capture/angle',
    {
      schema: { summary: 'Choose or propose an angle', body: AngleChoice, response: { 200: CaptureSession, ...errors } },
      ...byLink('the link’s secret, or the session it was exchanged for'),
    },
    async (request) => {
      const grant = await grantOf(request);
      const wanted = request.body;
      if (!grant.wide && !('beside' in wanted)) throw new HubError('forbidden', 'this link is for one angle', { field: 'angleId' });
      const operation = await liveView(context, grant);
      let angleId: string;
      if ('angleId' in wanted) angleId = await existing(context, operation, grant, wanted);
      else {
        attempts.note(`angle ${grant.sessionHash}`, Date.now());
        const made = 'name' in wanted ? await proposed(context, operation, wanted.name) : await beside(context, operation, grant);
        ({ angleId } = made);
        const who = await linkWho(store, grant.linkHash, request.ip);
        context.custody.note({ what: 'angle.made', who, operationId: grant.operationId, angleId, detail: { name: made.name } });
        hub.takeovers.withdraw(grant.sessionHash);
      }
      await chooseAngle(store, grant.sessionHash, angleId);
      return sessionOf(context, { ...grant, angleId });
    },
  );
}

async function liveView({ hub }: Context, { operationId }: CaptureGrant): Promise<OperationView> {
  const operation = await hub.view(operationId);
  if (operation.status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
  return operation;
}

async function existing(
  context: Context,
  operation: OperationView,
  grant: CaptureGrant,
  { angleId, ask = false }: { angleId: string; ask?: boolean | undefined },
): Promise<string> {
  if (!operation.angles.some((angle) => angle.angleId === angleId))
    throw new HubError('not_found', `operation ${operation.operationId} has no angle ${angleId}`, { field: 'angleId' });
  if (!ask && (await AnglesInUse.read(context, operation)).byOther(angleId, grant.sessionHash))
    throw new HubError('conflict', 'another device films this angle', { field: 'taken' });
  return angleId;
}

async function proposed(context: Context, operation: OperationView, name: string): Promise<AngleState> {
  const same = (other: string): boolean => other.normalize('NFKC').toLowerCase() === name.normalize('NFKC').toLowerCase();
  if (operation.angles.some((angle) => same(angle.name)))
    throw new HubError('conflict', 'there is an angle of this name already', { field: 'name-taken' });
  if (operation.angles.length >= ANGLES_MOST)
    throw new HubError('conflict', `an operation has ${ANGLES_MOST} angles at most`, { field: 'angles-full' });
  return newAngle(context, operation.operationId, { angleId: newId('an'), name });
}

/** A new angle named after the one that another device films, so that nobody waits: 东门 2. */
async function beside(context: Context, operation: OperationView, grant: CaptureGrant): Promise<AngleState> {
  const angle = operation.angles.find(({ angleId }) => angleId === grant.angleId);
  const inUse = await AnglesInUse.read(context, operation);
  if (!angle || !inUse.byOther(angle.angleId, grant.sessionHash)) throw new HubError('conflict', 'its angle is free', { field: 'free' });
  const taken = new Set(operation.angles.map(({ name }) => name));
  const base = angle.name.replace(/ \d+$/, '').slice(0, 110);
  let number = 2;
  while (taken.has(`${base} ${number}`)) number += 1;
  return proposed(context, operation, `${base} ${number}`);
}

async function sessionOf(context: Context, grant: CaptureGrant): Promise<CaptureSession> {
  const { hub, tokens } = context;
  const operation = await liveView(context, grant);
  const { angleId } = grant;
  const inUse = await AnglesInUse.read(context, operation);
  const offer = ({ angleId: offered, name, status }: OperationView['angles'][number]): AngleOffer => {
    const other = inUse.byOther(offered, grant.sessionHash);
    const state = offered === angleId ? 'mine' : status === 'interrupted' ? 'interrupted' : 'free';
    return { angleId: offered, name, state: other ? 'taken' : state, inUse: other };
  };
  return {
    operationId: operation.operationId,
    operationName: operation.name,
    angleId,
    angleName: operation.angles.find((angle) => angle.angleId === angleId)?.name ?? null,
    angles: grant.wide ? operation.angles.map(offer) : null,
    inUse: angleId === null ? null : inUse.byOther(angleId, grant.sessionHash),
    socketToken: angleId === null ? null : tokens.issue({ kind: 'capture', ...grant, angleId }, Date.now()),
    hubTimeMs: hub.nowMs(),
  };
}
