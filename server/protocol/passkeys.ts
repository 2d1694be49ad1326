import { z } from 'zod';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';

const base64url = (most: number) => z.string().min(1).max(most).regex(/^[A-Za-z0-9_-]+$/, 'base64url'); // prettier-ignore
/** At most 1023 bytes (WebAuthn, 4: credential ID). */
const CredentialId = base64url(1364);

export const PasskeyItem = z.object({ passkeyId: Id, name: Name, createdMs: HubTimeMs, usedMs: HubTimeMs.nullable() });
export type PasskeyItem = z.infer<typeof PasskeyItem>;
/** `host`: the name under which the hub must be opened for passkeys; null where its address is an IP address, which has none. */
export const PasskeyList = z.object({ passkeys: z.array(PasskeyItem), host: z.string().nullable() });

/** What a browser is asked with, as WebAuthn, 5.1.8 and 5.1.9 (`parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`) have it. */
export const PasskeyOptions = z.looseObject({ challenge: z.string() });
export type PasskeyOptions = z.infer<typeof PasskeyOptions>;

/** What the browser answers when one is made (`RegistrationResponseJSON`), as far as it is looked at. */
export const PasskeyAttestation = z.object({
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: base64url(8192),
    attestationObject: base64url(32_768),
    transports: z.array(z.string().max(40)).max(10).optional(),
  }),
});
export type PasskeyAttestation = z.infer<typeof PasskeyAttestation>;
export const PasskeyCreate = z.object({ name: Name, credential: PasskeyAttestation });

/** What it answers when one is used (`AuthenticationResponseJSON`). */
export const PasskeyAssertion = z.object({
  id: CredentialId,
  rawId: CredentialId,
  type: z.literal('public-key'),
  response: z.object({
    clientDataJSON: base64url(8192),
    authenticatorData: base64url(8192),
    signature: base64url(8192),
    /** Whose it is: a discoverable credential always says. */
    userHandle: base64url(100),
  }),
});
export type PasskeyAssertion = z.infer<typeof PasskeyAssertion>;
