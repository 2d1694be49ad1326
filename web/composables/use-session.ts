import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { z } from 'zod';
import { Me } from '../../server/protocol/people.ts';
import { api, ApiFailure, whenSignedOut } from './api.ts';
import { signInByPasskey } from './passkeys.ts';
import { forgetDrafts } from './use-draft.ts';

export type SessionState = 'unknown' | 'open' | 'locked' | 'must-change' | 'unreachable';
/** Whose drafts this tab keeps. */
const OWNER = 'fieldhub.drafts-of';
type SignInForm = { login: string; password: string; code?: string };

/** Who is signed in with this browser, and what that person may do. */
export const useSession = defineStore('session', () => {
  const state = ref<SessionState>('unknown');
  const me = shallowRef<Me | null>(null);
  /** The session ended while a page was open: it stays as it is, and the sign-in stands over it. */
  const interrupted = ref(false);
  /** What was just signed in with: whoever must change it need not type it again. */
  const given = ref('');
  const held = new Set<(signedIn: boolean) => void>();
  /** In some squad at least; `everywhere`: in the whole brigade. */
  const may = (permission: string, everywhere = false): boolean =>
    (everywhere ? me.value?.brigade : me.value?.permissions)?.includes(permission) ?? false;
  /** Where that is. */
  const squadsOf = (permission: string): 'all' | string[] => (may(permission, true) ? 'all' : (me.value?.squads[permission] ?? []));

  function take(told: Me): Me {
    const { personId } = told.person;
    if (sessionStorage.getItem(OWNER) !== personId) forgetDrafts();
    sessionStorage.setItem(OWNER, personId);
    if (me.value && me.value.person.personId !== personId) return leave(told);
    me.value = told;
    close(told.person.mustChange ? 'must-change' : 'open');
    return told;
  }
  /** Somebody else has signed in with this browser: neither this page nor what it has not sent yet is theirs. */
  function leave(told: Me): Me {
    me.value = null;
    state.value = 'unknown';
    interrupted.value = false;
    release(false);
    location.assign('/');
    return told;
  }
  function close(next: SessionState): void {
    const open = next === 'open';
    interrupted.value = !open && (interrupted.value || state.value === 'open');
    state.value = next;
    if (!open) return;
    given.value = '';
    release(true);
  }
  function release(signedIn: boolean): void {
    for (const go of held) go(signedIn);
    held.clear();
  }

  /** Throws ApiFailure. */
  async function check(): Promise<Me> {
    try {
      return take(await api(Me, 'GET', '/session'));
    } catch (error) {
      if (error instanceof ApiFailure && error.code === 'unauthorized') close('locked');
      else if (state.value === 'unknown') state.value = 'unreachable';
      throw error;
    }
  }

  /** Throws ApiFailure: `sign-in`, `code` when the authenticator's is needed or wrong. */
  async function signIn(form: SignInForm): Promise<void> {
    given.value = form.password;
    take(await api(Me, 'POST', '/session', form));
  }

  /** Throws ApiFailure: `passkey`, `passkey-late`, `passkey-host`; or as the browser does. */
  async function signInWithPasskey(): Promise<void> {
    given.value = ''; // a password that was tried before
    take(await signInByPasskey());
  }

  /** Throws ApiFailure: `current`, `next`. */
  async function changePassword(current: string, next: string): Promise<void> {
    take(await api(Me, 'PUT', '/session/password', { current, next }));
  }

  /**
   * `home`: the way to where everybody begins, gone before the sign-in is shown, so that it is one form in which nothing typed is
   * lost. Throws ApiFailure where the hub could not be told: then nobody is signed out.
   */
  async function signOut(home?: () => Promise<unknown>): Promise<void> {
    await api(z.null(), 'DELETE', '/session').catch((error: unknown) => {
      if (!(error instanceof ApiFailure && error.code === 'unauthorized')) throw error; // it has ended already
    });
    forgetDrafts();
    me.value = null;
    interrupted.value = false;
    given.value = '';
    release(false);
    state.value = 'unknown';
    await home?.();
    if (state.value === 'unknown') state.value = 'locked';
  }

  whenSignedOut(async () => {
    // it says whether to sign in or to change the password
    const told = await check().catch(() => null);
    if (told && !told.person.mustChange) return true;
    if (!interrupted.value) return false; // the hub did not answer
    return new Promise((resolve) => held.add(resolve));
  });

  return {
    state,
    me,
    interrupted,
    given,
    person: computed(() => me.value?.person ?? null),
    may,
    squadsOf,
    check,
    signIn,
    signInWithPasskey,
    changePassword,
    signOut,
  };
});
