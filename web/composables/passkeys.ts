import { type PublicKeyCredentialCreationOptionsJSON, startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { PasskeyItem, PasskeyOptions } from '../../server/protocol/passkeys.ts';
import { Me } from '../../server/protocol/people.ts';
import { api, ApiFailure, errorKey } from './api.ts';

/** This browser has passkeys, and this page an address that can have some: no IP address has (WebAuthn, 5.1.3, step 7). */
export function passkeysHere(): boolean {
  return typeof PublicKeyCredential === 'function' && !/^[\d.]+$|^\[/.test(location.hostname);
}

/** Passkeys of this host can be made and used on this page. */
export const isPageOf = (host: string): boolean => location.hostname === host || location.hostname.endsWith(`.${host}`);

/** Make a passkey, which the browser asks for, and have the hub keep it. Throws ApiFailure, or as the browser does. */
export async function makePasskey(name: string, password: string): Promise<PasskeyItem> {
  const options = await api(PasskeyOptions, 'POST', '/session/passkeys/options', { password });
  const credential = await startRegistration({ optionsJSON: options as unknown as PublicKeyCredentialCreationOptionsJSON });
  return api(PasskeyItem, 'POST', '/session/passkeys', { name, credential });
}

/** Sign in with one that the browser offers. Throws likewise. */
export async function signInByPasskey(): Promise<Me> {
  const options = await api(PasskeyOptions, 'POST', '/session/passkey/options');
  const credential = await startAuthentication({ optionsJSON: options });
  return api(Me, 'POST', '/session/passkey', credential);
}

/** Why the browser made or gave none, by the names of its errors (WebAuthn, 5.1.3 and 5.1.4). */
const WHY: Record<string, string> = {
  NotAllowedError: 'passkey.cancelled',
  AbortError: 'passkey.cancelled',
  InvalidStateError: 'passkey.known',
  SecurityError: 'error.passkey-host',
  NotSupportedError: 'passkey.unfit',
  ConstraintError: 'passkey.unfit',
};

/** Which words tell why there was no passkey. */
export function passkeyProblem(error: unknown): { key: string; params: Record<string, string> } {
  if (error instanceof ApiFailure && error.code === 'bad_request' && error.field === 'passkey')
    return { key: 'passkey.failed', params: {} };
  if (error instanceof ApiFailure) return errorKey(error, { name: 'account.passkeyName' });
  return { key: WHY[error instanceof Error ? error.name : ''] ?? 'passkey.failed', params: {} };
}
