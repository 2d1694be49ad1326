import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import cookie from '@fastify/cookie';
import staticFiles from '@fastify/static';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { HubError } from '../../media/errors.ts';
import { checkOrigin } from '../auth/gate.ts';
import type { ServerCertificate } from '../auth/tls.ts';
import type { Context } from '../context.ts';
import { apiDocument } from './api-document.ts';
import { captureLinkRoutes } from './capture-links.ts';
import { captureRoutes } from './capture.ts';
import { caseRoutes } from './cases.ts';
import { custodyRoutes } from './custody.ts';
import { deviceRoutes } from './devices.ts';
import { docsRoutes, DOCS_RULES } from './docs.ts';
import { apiError, installErrors } from './errors.ts';
import { accountRoutes } from './account.ts';
import { healthRoutes } from './health.ts';
import { securityHeaders } from './headers.ts';
import { handOverRoutes } from './hand-overs.ts';
import { operationFactsRoutes } from './operation-facts.ts';
import { plannedAngleRoutes } from './planned-angles.ts';
import { operationListRoutes } from './operation-list.ts';
import { operationRoutes } from './operations.ts';
import { passkeyRoutes } from './passkeys.ts';
import { preflightRoutes } from './preflight.ts';
import { reviewRoutes } from './review.ts';
import { captureShotRoutes, operationShotRoutes, shotListRoutes } from './shots.ts';
import { takeMoveRoutes } from './take-moves.ts';
import { stillRoutes } from './stills.ts';
import { peopleRoutes } from './people.ts';
import { installPermission, type RuledRoute } from './permit.ts';
import { anyone } from '../permission/rules.ts';
import { sourceRoutes } from './sources.ts';
import { tokenRoutes } from './tokens.ts';
import { whepRoutes } from './whep.ts';
import { whipRoutes } from './whip.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = [
  '/',
  '/capture',
  '/console',
  '/console/:operationId',
  '/review/:operationId',
  '/cases',
  '/cases/new',
  '/cases/:caseId',
  '/operations/new',
  '/operations/:operationId',
  '/shot-lists',
  '/devices',
  '/devices/:deviceId',
  '/people',
  '/account',
  '/custody',
];
/** Who connects and says nothing, or says it too slowly, holds a socket for so long and no longer; uploads may take their time. */
const PATIENCE = { headersTimeout: 10_000, connectionsCheckingInterval: 2000 };
const TLS_PATIENCE = { handshakeTimeout: 10_000 };
const REQUEST_MS = 300_000;
/** Any other request that offers another protocol is answered as if it did not (RFC 9110, 7.8): the connection is else nobody's. */
const UPGRADES = { shouldUpgradeCallback: ({ url = '' }: IncomingMessage): boolean => url.startsWith('/socket.io/') };
const ASSETS = '/assets/';
const PAGE = 'the pages hold nothing: what they show they ask for';

/** The HTTP side of the control plane, not yet listening, and every route of it with its rule. */
export async function buildApp(
  context: Context,
  certificate: ServerCertificate | null,
): Promise<{ app: FastifyInstance; routes: RuledRoute[] }> {
  const { settings, log } = context;
  const options = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 64 * 1024,
    trustProxy: false,
    requestTimeout: REQUEST_MS,
    // addresses that no route is looked up for: no hook and no error handler sees them
    frameworkErrors: (error: FastifyError, _: FastifyRequest, reply: FastifyReply) => {
      const { status, body } = apiError(error);
      void reply
        .headers(securityHeaders(context, certificate !== null))
        .status(status)
        .send(body);
    },
  };
  const app = (certificate
    ? Fastify({ ...options, https: { cert: certificate.cert, key: certificate.key, ...PATIENCE, ...TLS_PATIENCE, ...UPGRADES } })
    : Fastify({ ...options, http: { ...PATIENCE, ...UPGRADES } })) as unknown as FastifyInstance;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installErrors(app);
  await app.register(cookie);
  await app.register(swagger, apiDocument(context, readVersion()));
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(securityHeaders(context, certificate !== null, request.headers.host));
    if (!['/healthz', '/readyz', '/metrics'].includes(request.url)) checkOrigin(context, request);
  });
  // a plugin's routes say nothing of rules
  const routes = installPermission(app, context, { [`${ASSETS}*`]: anyone(PAGE).config.rule, ...DOCS_RULES });
  await app.register(async (api) => operationRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => operationListRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => operationFactsRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => plannedAngleRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => handOverRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => takeMoveRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => caseRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => sourceRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => captureLinkRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => captureRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => preflightRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => accountRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => tokenRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => passkeyRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => peopleRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => custodyRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => shotListRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => operationShotRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => captureShotRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => deviceRoutes(api, context), { prefix: '/api' });
  await app.register(async (api) => reviewRoutes(api, context));
  await app.register(async (api) => whipRoutes(api, context));
  await app.register(async (api) => whepRoutes(api, context));
  await app.register(async (api) => stillRoutes(api, context));
  healthRoutes(app, context);
  await docsRoutes(app);
  await pages(app);
  if (certificate?.caPath) {
    const pem = readFileSync(certificate.caPath);
    app.get('/ca.crt', { schema: { hide: true }, ...anyone('a public certificate') }, async (_, reply) =>
      reply.type('application/x-x509-ca-cert').header('content-disposition', 'attachment; filename="fieldhub-ca.crt"').send(pem),
    );
  }
  app.setNotFoundHandler((request, reply) =>
    reply.status(404).send({ code: 'not_found', message: `there is nothing at ${request.url.split('?')[0]}` }),
  );
  log.debug({ beyondLoopback: settings.beyondLoopback }, 'http ready');
  return { app, routes };
}

/** The web app: hashed files for ever, the page itself always fresh. */
async function pages(app: FastifyInstance): Promise<void> {
  const dist = join(root, 'web/dist');
  if (!existsSync(join(dist, 'index.html')))
    throw new HubError('unavailable', 'the web app has not been built: run `npm run setup`', { field: 'web/dist' });
  await app.register(staticFiles, {
    root: join(dist, 'assets'),
    prefix: ASSETS,
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
  });
  const index = readFileSync(join(dist, 'index.html'));
  for (const url of PAGES)
    app.get(url, { schema: { hide: true }, ...anyone(PAGE) }, async (_, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(index),
    );
  const icon = join(dist, 'icon.svg');
  if (existsSync(icon))
    app.get('/icon.svg', { schema: { hide: true }, ...anyone(PAGE) }, async (_, reply) =>
      reply.type('image/svg+xml').send(readFileSync(icon)),
    );
}

function readVersion(): string {
  return String((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: string }).version);
}
