import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { anyone, type Rule } from '../permission/rules.ts';

const DOCS = '/api/docs';
const WHY = 'what the API is, not what is in it';

/** Rules of the routes that the plugin adds, by their address. */
export const DOCS_RULES: Record<string, Rule> = Object.fromEntries(
  ['', '/', '/json', '/yaml', '/static/index.html', '/static/swagger-initializer.js', '/static/*'].map((path) => [
    DOCS + path,
    anyone(WHY).config.rule,
  ]),
);

/** Narrower than the pages': what the hub itself serves and nothing else, no frame, no socket; its styles are set by its script. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The document and, for people, a page made of it, on which everything can be tried with the session of the browser. */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  app.get('/api/openapi.json', { schema: { hide: true }, ...anyone(WHY) }, async () => app.swagger());
  await app.register(swaggerUi, {
    routePrefix: DOCS,
    staticCSP: CSP,
    theme: { title: 'fieldhub API' },
    uiConfig: { docExpansion: 'none', deepLinking: true, tryItOutEnabled: true, persistAuthorization: false },
  });
}
