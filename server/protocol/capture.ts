import { z } from 'zod';
import { HubTimeMs, Id, Name, SourceKind } from '../../media/protocol/ids.ts';

/** What the capture page and the console's list of links exchange with the hub over HTTP. */

export const LINK_HOURS_MOST = 30 * 24;
const Label = Name.max(60);

/** `hours`: how long the link can be opened; who has opened it in time films until the operation ends. */
export const LinkCreate = z.object({
  devices: z.enum(['one', 'several']).default('several'),
  hours: z.int().min(1).max(LINK_HOURS_MOST).optional(),
  /** For whom it is. */
  label: Label.optional(),
  /** A link shown just before with other settings: void, unless somebody has opened it. */
  replaces: Id.optional(),
});
export type LinkCreate = z.input<typeof LinkCreate>;

/** A capture link; its token is shown once, in the URL's fragment, and stored only as a hash. Without an angle the phone chooses one. */
export const CaptureLink = z.object({
  linkId: Id,
  url: z.string(),
  operationId: Id,
  angleId: Id.nullable(),
  devices: z.enum(['one', 'several']),
  label: Label.nullable(),
  expiresMs: HubTimeMs,
});
export type CaptureLink = z.infer<typeof CaptureLink>;

export const DeviceId = z.string().regex(/^dv-[0-9a-f]{16}$/);
export const CaptureLinkItem = CaptureLink.omit({ url: true, operationId: true }).extend({
  angleName: Name.nullable(),
  createdMs: HubTimeMs,
  state: z.enum(['open', 'expired', 'revoked']),
  /** The devices that have opened it. */
  uses: z.array(
    z.object({
      deviceId: DeviceId,
      device: z.string(),
      address: z.string(),
      openedMs: HubTimeMs,
      seenMs: HubTimeMs,
      angleName: Name.nullable(),
      /** `filming`: its pictures come now. `revoked`: shut out, while the link's other devices go on. */
      state: z.enum(['open', 'filming', 'revoked']),
    }),
  ),
});
export type CaptureLinkItem = z.infer<typeof CaptureLinkItem>;

export const CaptureExchange = z.object({ token: z.string().min(20).max(200) });

/** What films an angle that another device wants; `device` in words, empty where it has not said. A camera's angle is not given away. */
export const AngleInUse = z.object({ device: z.string(), kind: SourceKind, sinceMs: HubTimeMs.nullable() });
export type AngleInUse = z.infer<typeof AngleInUse>;

/** `taken`: another device films it. `interrupted`: it should be filmed, and is not. `mine`: this phone's own. */
export const AngleOffer = z.object({
  angleId: Id,
  name: Name,
  state: z.enum(['free', 'taken', 'interrupted', 'mine']),
  inUse: AngleInUse.nullable(),
});
export type AngleOffer = z.infer<typeof AngleOffer>;

export const CaptureSession = z.object({
  operationId: Id,
  operationName: Name,
  /** Null until the phone has chosen. */
  angleId: Id.nullable(),
  angleName: Name.nullable(),
  /** The angles to choose from; null where the link is for one. */
  angles: z.array(AngleOffer).nullable(),
  /** Its angle is filmed by another device, which goes on unless a commander gives it to this one. */
  inUse: AngleInUse.nullable(),
  /** Presented when the socket connects; short-lived, fetched anew with the cookie. Null until there is an angle. */
  socketToken: z.string().nullable(),
  hubTimeMs: HubTimeMs,
});
export type CaptureSession = z.infer<typeof CaptureSession>;

/**
 * One of the operation's angles, or (`ask`) one that another device films, to ask for it; a new one by its name; or one beside the
 * angle of its link, which another device films: that one may be had with any link.
 */
export const AngleChoice = z.union([
  z.object({ angleId: Id, ask: z.literal(true).optional() }).strict(),
  z.object({ name: Name }).strict(),
  z.object({ beside: z.literal(true) }).strict(),
]);
export type AngleChoice = z.infer<typeof AngleChoice>;
