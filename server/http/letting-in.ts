import type { FastifyReply, FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { sessionCookie } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { type Actor, permissionsOf, squadsWith } from '../permission/decide.ts';
import type { Me } from '../protocol/people.ts';
import { personById } from '../store/people.ts';
import { actorOfCookie, endSessions } from '../store/person-sessions.ts';

export const cookieOptions = ({ settings }: Pick<Context, 'settings'>) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: settings.beyondLoopback }) as const;

export async function meOf({ store, tokens, hub }: Context, actor: Actor): Promise<Me> {
  const permissions = permissionsOf(actor);
  const within = permissions.map((each) => [each, squadsWith(actor, each)] as const);
  return {
    person: await personById(store, actor.personId),
    permissions,
    brigade: within.flatMap(([each, squads]) => (squads === 'all' ? [each] : [])),
    squads: Object.fromEntries(within.flatMap(([each, squads]) => (squads === 'all' ? [] : [[each, squads]]))),
    socketToken: tokens.issue({ kind: 'console', sessionHash: actor.sessionHash ?? '' }, Date.now()),
    hubTimeMs: hub.nowMs(),
  };
}

/**
 * The session just made (`secret`) goes with the answer as a cookie, whatever it was signed in with. The one that the browser
 * came with is over: one browser, one session.
 */
export async function letIn(context: Context, request: FastifyRequest, reply: FastifyReply, secret: string): Promise<Me> {
  const { store, hub } = context;
  const before = await actorOfCookie(store, request.cookies[sessionCookie(context)], hub.nowMs());
  if (before) hub.emit('signedOut', await endSessions(store, before.personId, before.sessionId));
  const actor = await actorOfCookie(store, secret, hub.nowMs());
  if (!actor) throw new HubError('internal', 'the session just made is not there');
  void reply.setCookie(sessionCookie(context), secret, cookieOptions(context));
  return meOf(context, actor);
}
