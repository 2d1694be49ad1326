import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { deviceChoices, seesOperation } from '../devices/choices.ts';
import { deviceChecks, deviceView, requireKeeper, shownDevices } from '../devices/view.ts';
import { newId } from '../live/new-angle.ts';
import { squadsWith } from '../permission/decide.ts';
import { onDevice, onHub } from '../permission/rules.ts';
import {
  DeviceChange,
  DeviceCheckList,
  DeviceChecksQuery,
  DeviceChoices,
  DeviceCreate,
  DeviceList,
  DeviceNoteCreate,
  DeviceQuery,
  DEVICES_A_PAGE,
  DeviceUseCreate,
  DeviceView,
} from '../protocol/devices.ts';
import { ApiError } from '../protocol/http.ts';
import { addNote, handOut, takeBack } from '../store/device-history.ts';
import { changeDevice, insertDevice, listDevices } from '../store/devices.ts';
import { catchUpIndex } from '../store/operation-index.ts';
import { actorOf, madeId } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfDevice = z.object({ deviceId: Id });
const MADE = onHub('device.keep', 'device.made', { makes: 'de' });
const CHANGED = onDevice('device.keep', 'device.changed');
const view = { 200: DeviceView, ...errors };

/** The register of devices (R4): facts, notes of maintenance, who has had which one on what. */
export function deviceRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, log } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/devices',
    {
      schema: { summary: 'Devices, searched and in pages', querystring: DeviceQuery, response: { 200: DeviceList, ...errors } },
      ...onHub('device.see'),
    },
    async (request) => {
      const actor = actorOf(request);
      const { devices, total } = await listDevices(store, squadsWith(actor, 'device.see'), request.query);
      return { devices: await shownDevices(context, actor, devices), total, pageSize: DEVICES_A_PAGE };
    },
  );

  routes.get(
    '/devices/choices',
    {
      schema: { summary: 'Squads and people to choose from for a device', response: { 200: DeviceChoices, ...errors } },
      ...onHub('device.see'),
    },
    (request) => deviceChoices(store, actorOf(request)),
  );

  routes.post(
    '/devices',
    { schema: { summary: 'Enter a device', body: DeviceCreate, response: { 201: DeviceView, ...errors } }, ...MADE },
    async (request, reply) => {
      const actor = actorOf(request);
      requireKeeper(actor, request.body.squadId);
      const deviceId = madeId(request);
      await insertDevice(store, deviceId, request.body, hub.nowMs());
      return reply.status(201).send(await deviceView(context, actor, deviceId));
    },
  );

  routes.get(
    '/devices/:deviceId',
    { schema: { summary: 'One device, its notes and uses', params: OfDevice, response: view }, ...onDevice('device.see') },
    (request) => deviceView(context, actorOf(request), request.params.deviceId),
  );

  routes.get(
    '/devices/:deviceId/checks',
    {
      schema: {
        summary: 'Checks before duty made with a device, in pages',
        params: OfDevice,
        querystring: DeviceChecksQuery,
        response: { 200: DeviceCheckList, ...errors },
      },
      ...onDevice('device.see'),
    },
    (request) => deviceChecks(context, actorOf(request), request.params.deviceId, request.query.page),
  );

  routes.put(
    '/devices/:deviceId',
    { schema: { summary: 'Change a device', params: OfDevice, body: DeviceChange, response: view }, ...CHANGED },
    async (request) => {
      const { deviceId } = request.params;
      const actor = actorOf(request);
      requireKeeper(actor, request.body.squadId); // it may go to another squad, of the same keeper
      if (await changeDevice(store, deviceId, request.body)) await catchUpIndex(store, log);
      return deviceView(context, actor, deviceId);
    },
  );

  routes.post(
    '/devices/:deviceId/notes',
    { schema: { summary: 'Note something of a device', params: OfDevice, body: DeviceNoteCreate, response: view }, ...CHANGED },
    async (request) => {
      const { deviceId } = request.params;
      const actor = actorOf(request);
      await addNote(store, deviceId, { ...request.body, noteId: newId('no'), by: actor.name }, hub.nowMs());
      return deviceView(context, actor, deviceId);
    },
  );

  routes.post(
    '/devices/:deviceId/uses',
    { schema: { summary: 'Hand a device out', params: OfDevice, body: DeviceUseCreate, response: view }, ...CHANGED },
    async (request) => {
      const { deviceId } = request.params;
      const { operationId } = request.body;
      const actor = actorOf(request);
      if (operationId !== null && !(await seesOperation(store, actor, operationId)))
        throw new HubError('bad_request', `there is no operation ${operationId}`, { field: 'operationId' });
      await handOut(store, deviceId, { ...request.body, useId: newId('us') }, hub.nowMs());
      return deviceView(context, actor, deviceId);
    },
  );

  routes.post(
    '/devices/:deviceId/uses/:useId/end',
    { schema: { summary: 'Take a device back', params: OfDevice.extend({ useId: Id }), response: view }, ...CHANGED },
    async (request) => {
      const { deviceId, useId } = request.params;
      const actor = actorOf(request);
      await takeBack(store, deviceId, useId, hub.nowMs());
      return deviceView(context, actor, deviceId);
    },
  );
}
