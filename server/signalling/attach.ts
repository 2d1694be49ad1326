import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import { originAllowed } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import type { Claims } from '../auth/socket-tokens.ts';
import { HubError } from '../../media/errors.ts';
import { actorOfSession } from '../store/person-sessions.ts';
import { type CaptureGrant, requireGrant } from '../store/sessions.ts';
import { CaptureNamespace } from './capture.ts';
import { ConsoleNamespace } from './console.ts';

/** socket.io on the HTTP server: two namespaces, each with tokens of its own; sockets that never say hello are closed. */
export function attachSignalling(server: HttpServer, context: Context): Server {
  const io = new Server(server, {
    path: '/socket.io',
    serveClient: false,
    connectTimeout: 5000,
    pingInterval: 5000,
    pingTimeout: 5000,
    maxHttpBufferSize: 256 * 1024,
    connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: false },
    allowRequest: (request, done) => done(null, originAllowed(context, request.headers.origin, request.headers.host)),
  });
  const guard = (kind: 'capture' | 'console') => {
    const admit = async (token: unknown): Promise<Claims> => {
      const claims = context.tokens.check(token, kind, Date.now());
      if (claims.kind === 'capture') await requireGrant(context.store, claims);
      else if (!(await actorOfSession(context.store, claims.sessionHash, context.hub.nowMs())))
        throw new HubError('unauthorized', 'this session is over');
      return claims;
    };
    const namespace = io.of(`/${kind}`);
    namespace.use((socket, next) => {
      admit(socket.handshake.auth['token']).then(
        (claims) => {
          socket.data['claims'] = claims;
          next();
        },
        () => next(new Error('unauthorized')), // the client fetches a new token and tries again
      );
    });
    return namespace;
  };
  context.hub.on('media', (event) => context.liveViews.heard(event));
  context.hub.on('synced', (anew) => anew && context.liveViews.endAll()); // of what ended unheard there is no event
  // whoever comes back is sent what it missed before any middleware is asked
  const phones = guard('capture');
  const restore = phones.adapter.restoreSession.bind(phones.adapter);
  phones.adapter.restoreSession = async (...of) => {
    const session = await restore(...of);
    if (session) await requireGrant(context.store, (session.data as { claims: CaptureGrant }).claims);
    return session;
  };
  new CaptureNamespace(phones, context);
  const consoles = guard('console');
  // theirs is looked at when they join, which they do anew each time: then they are told the whole
  consoles.adapter.restoreSession = () => Promise.reject(new Error('a console is told nothing before it has joined'));
  new ConsoleNamespace(consoles, context);
  return io;
}
