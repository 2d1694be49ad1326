import { z } from 'zod';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';
import { ShortText } from '../../media/protocol/marks.ts';
import { KeptPreflight } from '../../media/protocol/preflight.ts';

/** 执法记录仪, 手机, 无人机, 摄像机, 固定视频, 编码器. */
export const DEVICE_TYPES = ['body-camera', 'phone', 'drone', 'camera', 'fixed-camera', 'encoder'] as const;
export const DeviceType = z.enum(DEVICE_TYPES);
export type DeviceType = z.infer<typeof DeviceType>;

/** 在用, 维修, 停用, 丢失. */
export const DEVICE_STATES = ['in-service', 'in-repair', 'retired', 'lost'] as const;
export const DeviceState = z.enum(DEVICE_STATES);
export type DeviceState = z.infer<typeof DeviceState>;

/** 维护, 检查, 其他. */
export const NOTE_KINDS = ['maintenance', 'check', 'other'] as const;
export const NoteKind = z.enum(NOTE_KINDS);
export type NoteKind = z.infer<typeof NoteKind>;

/** Who has a device, on which operation; of one that the reader may not know of there is neither id nor name. */
export const DeviceUse = z.object({
  useId: Id,
  personId: Id.nullable(),
  personName: Name.nullable(),
  operationId: Id.nullable(),
  operationName: Name.nullable(),
  fromMs: HubTimeMs,
  /** Null while it is out. */
  toMs: HubTimeMs.nullable(),
});
export type DeviceUse = z.infer<typeof DeviceUse>;

const Serial = ShortText(60);
const Model = ShortText(80);

/** `owner`: who answers for it. */
export const Device = z.object({
  deviceId: Id,
  squadId: Id,
  squadName: Name,
  type: DeviceType,
  serial: Serial,
  model: Model,
  ownerId: Id.nullable(),
  ownerName: Name.nullable(),
  state: DeviceState,
  /** Who has it now. */
  out: DeviceUse.nullable(),
  createdMs: HubTimeMs,
  version: z.int(),
});
export type Device = z.infer<typeof Device>;

export const DeviceCreate = z.object({
  squadId: Id,
  type: DeviceType,
  serial: Serial,
  model: Model,
  ownerId: Id.nullable().default(null),
  state: DeviceState.default('in-service'),
});
export type DeviceCreate = z.infer<typeof DeviceCreate>;
/** `version`: the one that was seen. */
export const DeviceChange = DeviceCreate.extend({ version: z.int() });
export type DeviceChange = z.infer<typeof DeviceChange>;

/** Lines of any script. */
const NoteText = z
  .string()
  .trim()
  .min(1)
  .max(1000)
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u0009\u000b-\u001f\u007f]*$/, 'no control characters');
export const DeviceNote = z.object({ noteId: Id, atMs: HubTimeMs, kind: NoteKind, by: z.string(), text: NoteText });
export type DeviceNote = z.infer<typeof DeviceNote>;
export const DeviceNoteCreate = DeviceNote.pick({ kind: true, text: true });
export type DeviceNoteCreate = z.infer<typeof DeviceNoteCreate>;

/** To a person, for an operation, or both. */
export const DeviceUseCreate = z
  .object({ personId: Id.nullable().default(null), operationId: Id.nullable().default(null) })
  .refine(({ personId, operationId }) => personId !== null || operationId !== null, {
    message: 'a person or an operation is needed',
    path: ['personId'],
  });
export type DeviceUseCreate = z.infer<typeof DeviceUseCreate>;

/** `keep`: the reader may change it. The newest first in each list. */
export const DeviceView = Device.extend({ keep: z.boolean(), notes: z.array(DeviceNote), uses: z.array(DeviceUse) });
export type DeviceView = z.infer<typeof DeviceView>;

/**
 * A check before duty that was made with this device, as the operation's journal keeps it. Of an operation that the reader may
 * not know of there is neither id, name, angle nor what was written as the reason to go on.
 */
export const DeviceCheck = KeptPreflight.extend({ angleId: Id.nullable(), operationId: Id.nullable(), operationName: Name.nullable() });
export type DeviceCheck = z.infer<typeof DeviceCheck>;
export const CHECKS_A_PAGE = 10;
export const DeviceChecksQuery = z.object({ page: z.coerce.number().int().min(1).max(100_000).default(1) });
/** All of them, the newest first, a page at a time. */
export const DeviceCheckList = z.object({ checks: z.array(DeviceCheck), total: z.int(), pageSize: z.int() });
export type DeviceCheckList = z.infer<typeof DeviceCheckList>;

export const DEVICES_A_PAGE = 30;
/** `q`: a part of serial number, model, or the name of who owns or has it. `squad`: of one of these. */
export const DeviceQuery = z.object({
  q: z.string().trim().max(80).default(''),
  squad: z.union([Id, z.array(Id).max(30)]).optional(),
  state: DeviceState.optional(),
  type: DeviceType.optional(),
  page: z.coerce.number().int().min(1).max(100_000).default(1),
});
export type DeviceQuery = z.infer<typeof DeviceQuery>;
export const DeviceList = z.object({ devices: z.array(Device), total: z.int(), pageSize: z.int() });
export type DeviceList = z.infer<typeof DeviceList>;

const Named = z.object({ id: Id, name: Name });
/** What the forms offer: squads to look at and to keep devices of; people and operations to hand one out to, for those who may. */
export const DeviceChoices = z.object({
  squads: z.array(Named.extend({ keep: z.boolean() })),
  people: z.array(Named),
  operations: z.array(Named),
});
export type DeviceChoices = z.infer<typeof DeviceChoices>;
