import { isIP } from 'node:net';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { decodeClientDataJSON } from '@simplewebauthn/server/helpers';
import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import type { Who } from '../custody/lines.ts';
import type { PasskeyAssertion, PasskeyAttestation, PasskeyItem, PasskeyOptions } from '../protocol/passkeys.ts';
import { credentialsOf, insertPasskey, listPasskeys, passkeyIdOf, passkeyOf, usePasskey } from '../store/passkeys.ts';
import { beginSession } from './begin-session.ts';
import { CHALLENGE_MS, Challenges } from './challenges.ts';

/** EdDSA, ES256, RS256 (IANA COSE algorithms): every authenticator has one of them. */
const ALGORITHMS = [-8, -7, -257];
const PASSKEYS_MOST = 20;
const ANYONE = 'anyone';

/** Somebody signed in, in this session. */
type Holder = { personId: string; login: string; name: string; sessionHash: string | null };
type From = { address: string; device: string };

/** What a hub's passkeys are bound to (RP ID; WebAuthn, 4). Null for an IP address: no browser takes one. */
export function passkeyHost(publicUrl: string): string | null {
  if (!URL.canParse(publicUrl)) return null;
  const { hostname } = new URL(publicUrl);
  return isIP(hostname.replaceAll(/[[\]]/g, '')) === 0 ? hostname : null;
}

/**
 * Where its pages may stand: at the address given to people, and at the port it listens on itself (`port`), under the same host
 * name. Not what the request calls its host: whoever has lured somebody's browser to another port could call it anything.
 */
export function passkeyOrigins(publicUrl: string, secure: boolean, port: number | undefined): string[] {
  const { origin, hostname } = new URL(publicUrl);
  return port === undefined ? [origin] : [origin, new URL(`${secure ? 'https' : 'http'}://${hostname}:${port}`).origin];
}

/**
 * Passkeys: made by whoever is signed in, and signed in with by whoever holds one and is verified by it, which is two factors
 * in one. Nothing says who is known: the browser offers what it has for this hub.
 */
export class Passkeys {
  readonly #context: Context;
  readonly #making = new Challenges();
  readonly #signingIn = new Challenges();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws `conflict` (`passkey-host`). */
  #host(): string {
    const host = passkeyHost(this.#context.publicUrl());
    if (host !== null) return host;
    const why = 'passkeys need a host name, and the address of this hub is an IP address: set PUBLIC_URL to a name it has';
    throw new HubError('conflict', why, { field: 'passkey-host' });
  }

  /** Throws `conflict` (`passkey-host`, `passkeys-full`). */
  async optionsToMake({ personId, login, name, sessionHash }: Holder): Promise<PasskeyOptions> {
    const rpID = this.#host();
    const known = await credentialsOf(this.#context.store, personId);
    if (known.length >= PASSKEYS_MOST)
      throw new HubError('conflict', `${PASSKEYS_MOST} passkeys are the most: remove one first`, { field: 'passkeys-full' });
    const options = await generateRegistrationOptions({
      rpName: 'fieldhub',
      rpID,
      userName: login,
      userDisplayName: name,
      userID: new Uint8Array(Buffer.from(personId)),
      timeout: CHALLENGE_MS,
      attestationType: 'none',
      excludeCredentials: known,
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    });
    this.#making.add(options.challenge, sessionHash ?? '', Date.now());
    return { ...options };
  }

  /** Keep what was made; `told` writes it down before. Throws `conflict` (`passkey-host`), `bad_request` (`passkey`, `passkey-late`), and as `requireSession`. */
  async keep(
    holder: Holder,
    name: string,
    made: PasskeyAttestation,
    by: { told: (passkeyId: string) => Promise<void>; port: number | undefined },
  ): Promise<PasskeyItem> {
    const { store, hub } = this.#context;
    const expectedChallenge = challengeIn(made, 'bad_request');
    if (!this.#making.take(expectedChallenge, holder.sessionHash ?? '', Date.now())) throw late('bad_request');
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...this.#expected(by.port),
      expectedChallenge,
      response: { ...made, response: withoutMissing(made.response), clientExtensionResults: {} },
      supportedAlgorithmIDs: ALGORITHMS,
    }).catch((error: unknown) => refuseBecause('bad_request', error));
    if (!verified || (await passkeyOf(store, registrationInfo.credential.id))) throw refused('bad_request');
    const { id: credentialId, publicKey, counter } = registrationInfo.credential;
    const passkeyId = passkeyIdOf(credentialId);
    await by.told(passkeyId);
    const { personId, sessionHash } = holder;
    const nowMs = hub.nowMs();
    const transports = made.response.transports ?? [];
    if (!(await insertPasskey(store, { personId, name, credentialId, publicKey, counter, transports }, sessionHash, nowMs)))
      throw refused('bad_request');
    return { passkeyId, name, createdMs: Math.round(nowMs), usedMs: null };
  }

  async list(personId: string): Promise<{ passkeys: PasskeyItem[]; host: string | null }> {
    const { store, publicUrl } = this.#context;
    return { passkeys: await listPasskeys(store, personId), host: passkeyHost(publicUrl()) };
  }

  /** The same for everybody. Throws `conflict` (`passkey-host`), `too_many`. */
  async optionsToSignIn(address: string): Promise<PasskeyOptions> {
    const rpID = this.#host();
    this.#context.signIns.note(`passkey ${address}`, Date.now());
    const options = await generateAuthenticationOptions({
      rpID,
      allowCredentials: [],
      userVerification: 'required',
      timeout: CHALLENGE_MS,
    });
    this.#signingIn.add(options.challenge, ANYONE, Date.now());
    return { ...options };
  }

  /**
   * A session for whoever holds the passkey. Throws `conflict` (`passkey-host`), `too_many` after sixty tries a minute from an
   * address, `unauthorized` (`passkey-late`; `passkey`, which never says what was wrong).
   */
  async signIn(given: PasskeyAssertion, from: From, port: number | undefined): Promise<string> {
    const { store, custody, signIns, hub } = this.#context;
    const expected = this.#expected(port);
    let who: Who = { kind: 'nobody', id: null, name: null, address: from.address };
    const subject = passkeyIdOf(given.id);
    const tell = (why: string): void => custody.note({ what: 'sign-in', who, subject, outcome: 'refused', detail: { why } });
    const refuse = (why: string, error: HubError): HubError => {
      tell(why);
      return error;
    };
    // those before it stand in the log, and that there were too many: who goes on may not fill it
    signIns.note(from.address, Date.now(), () => tell('too many attempts'));
    const expectedChallenge = challengeIn(given, 'unauthorized');
    if (!this.#signingIn.take(expectedChallenge, ANYONE, Date.now())) throw refuse('passkey too late', late('unauthorized'));
    const known = await passkeyOf(store, given.id);
    if (!known) throw refuse('unknown passkey', refused('unauthorized'));
    const credential = { id: given.id, publicKey: known.publicKey, counter: known.counter };
    const response = { ...given, clientExtensionResults: {} };
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...expected,
      expectedChallenge,
      response,
      credential,
    }).catch((error: unknown) => {
      throw refuse('wrong passkey', refused('unauthorized', error));
    });
    const owner = Buffer.from(given.response.userHandle, 'base64url').toString();
    if (!verified || owner !== known.personId) throw refuse('wrong passkey', refused('unauthorized'));
    who = { ...who, kind: 'person', id: known.personId, name: known.personName };
    if (known.state !== 'active') throw refuse('blocked', refused('unauthorized'));
    if (!(await usePasskey(store, given.id, authenticationInfo.newCounter, hub.nowMs())))
      throw refuse('wrong passkey', refused('unauthorized'));
    const detail = { device: from.device, with: 'passkey', passkey: known.name };
    const checked = { personId: known.personId, credentialId: given.id };
    const secret = await beginSession(this.#context, { what: 'sign-in', who, subject, detail }, checked, from);
    if (secret === null) throw refused('unauthorized');
    return secret;
  }

  #expected(port: number | undefined) {
    const { publicUrl, settings } = this.#context;
    return {
      expectedRPID: this.#host(),
      expectedOrigin: passkeyOrigins(publicUrl(), settings.beyondLoopback, port),
      requireUserVerification: true,
    };
  }
}

type Code = 'bad_request' | 'unauthorized';
const refused = (code: Code, cause?: unknown): HubError => new HubError(code, 'this passkey is not accepted', { field: 'passkey', cause });
const late = (code: Code): HubError => new HubError(code, 'this took too long: begin again', { field: 'passkey-late' });
const refuseBecause = (code: Code, cause: unknown): never => {
  throw refused(code, cause);
};

/** Of what the browser has signed; whether it is one of ours is asked next. */
function challengeIn({ response }: PasskeyAttestation | PasskeyAssertion, code: Code): string {
  try {
    return decodeClientDataJSON(response.clientDataJSON).challenge;
  } catch (error) {
    throw refused(code, error);
  }
}

/** As the library's types have it: what is not there is left out. */
function withoutMissing({ transports, ...rest }: PasskeyAttestation['response']) {
  return transports === undefined ? rest : { ...rest, transports };
}
