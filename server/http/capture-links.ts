import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { ONGOING, onOperation } from '../permission/rules.ts';
import { AnglesInUse } from '../live/in-use.ts';
import { CaptureLink, CaptureLinkItem, DeviceId, LinkCreate } from '../protocol/capture.ts';
import { ApiError } from '../protocol/http.ts';
import {
  createLink,
  isUnused,
  linksOfAngle,
  listLinks,
  revokeDevice,
  revokeLink,
  revokeLinks,
  revokeUnused,
} from '../store/capture-links.ts';
import { inTransaction } from '../store/database.ts';
import { angleName } from '../store/operations.ts';
import { madeId, noteUndone, record } from './permit.ts';

type OfWhat = { operationId: string; angleId: string | null };
const OfOperation = z.object({ operationId: Id });
const OfAngle = z.object({ operationId: Id, angleId: Id });
const OfLink = z.object({ operationId: Id, linkId: Id });
const OfDevice = OfLink.extend({ deviceId: DeviceId });
const errors = { '4xx': ApiError, '5xx': ApiError };

/** Links by which phones film: of one angle or of a whole operation, for one device or several. */
export function captureLinkRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const make = async (request: FastifyRequest, { operationId, angleId }: OfWhat, wanted: unknown): Promise<CaptureLink> => {
    const linkId = madeId(request);
    if (angleId !== null) await angleName(store, operationId, angleId);
    const { devices, hours = context.settings.linkHours, label = null, replaces } = LinkCreate.parse(wanted ?? {});
    const nowMs = hub.nowMs();
    const expiresMs = nowMs + hours * 3600_000;
    const isVoid = replaces !== undefined && (await isUnused(store, operationId, replaces)) ? replaces : null;
    if (isVoid !== null) await record(context, request, { what: 'link.revoked', subject: isVoid, detail: { replacedBy: linkId } });
    const { token, revoked } = await inTransaction(store, async (tx) => {
      if (angleId !== null) {
        await angleName(tx, operationId, angleId);
        hub.leaving.assertStays(angleId); // from here on it stands in the line of whoever begins to remove it
      }
      const isRevoked = isVoid === null || (await revokeUnused(tx, operationId, isVoid));
      return { ...(await createLink(tx, { linkId, operationId, angleId, devices, label, expiresMs }, nowMs)), revoked: isRevoked };
    });
    if (!revoked) noteUndone(context, request, 'link.revoked', 'it was opened or revoked meanwhile');
    return { linkId, url: `${context.publicUrl()}/capture#${token}`, operationId, angleId, devices, label, expiresMs };
  };

  routes.get(
    '/operations/:operationId/links',
    {
      schema: {
        summary: 'Capture links and who has opened them',
        params: OfOperation,
        response: { 200: z.object({ links: z.array(CaptureLinkItem) }), ...errors },
      },
      ...onOperation('operation.run'),
    },
    async (request) => {
      const { operationId } = request.params;
      const inUse = await AnglesInUse.read(context, await hub.view(operationId));
      return { links: await listLinks(store, operationId, hub.nowMs(), inUse.filming()) };
    },
  );

  routes.post(
    '/operations/:operationId/links',
    {
      schema: {
        summary: 'Make a link whose phone chooses its angle',
        params: OfOperation,
        body: LinkCreate.nullish(),
        response: { 201: CaptureLink, ...errors },
      },
      ...onOperation('operation.run', 'link.made', { makes: 'ln', ...ONGOING }),
    },
    async (request, reply) => reply.status(201).send(await make(request, { ...request.params, angleId: null }, request.body)),
  );

  routes.post(
    '/operations/:operationId/angles/:angleId/links',
    {
      schema: {
        summary: 'Make a link for one angle',
        params: OfAngle,
        body: LinkCreate.nullish(),
        response: { 201: CaptureLink, ...errors },
      },
      ...onOperation('operation.run', 'link.made', { makes: 'ln', ...ONGOING }),
    },
    async (request, reply) => reply.status(201).send(await make(request, request.params, request.body)),
  );

  routes.delete(
    '/operations/:operationId/links/:linkId',
    {
      schema: { summary: 'Revoke a link and its sessions', params: OfLink, response: { 204: z.null(), ...errors } },
      ...onOperation('operation.run', 'link.revoked'),
    },
    async (request, reply) => {
      const { operationId, linkId } = request.params;
      hub.emit('revoked', [await revokeLink(store, operationId, linkId)]);
      return reply.status(204).send(null);
    },
  );

  routes.delete(
    '/operations/:operationId/links/:linkId/devices/:deviceId',
    {
      schema: { summary: "Shut out one of a link's devices", params: OfDevice, response: { 204: z.null(), ...errors } },
      ...onOperation('operation.run', 'device.shut-out'),
    },
    async (request, reply) => {
      const { operationId, linkId, deviceId } = request.params;
      const sessionHash = await revokeDevice(store, operationId, linkId, deviceId);
      hub.takeovers.withdraw(sessionHash);
      hub.emit('shutOut', sessionHash);
      return reply.status(204).send(null);
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId/links',
    {
      schema: { summary: 'Revoke all links of an angle', params: OfAngle, response: { 204: z.null(), ...errors } },
      ...onOperation('operation.run', 'link.revoked', { how: 'route' }),
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      const links = await linksOfAngle(store, operationId, angleId);
      await record(context, request, { detail: { links } });
      hub.emit('revoked', await revokeLinks(store, operationId, links));
      return reply.status(204).send(null);
    },
  );
}
