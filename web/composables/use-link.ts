import { onScopeDispose, shallowRef } from 'vue';
import { type AngleChoice, CaptureSession } from '../../server/protocol/capture.ts';
import { api, ApiFailure } from './api.ts';

const REFRESH_MS = 3000;

/** The capture link this page was opened with: exchanged once for a cookie, by which it is known from then on. */
export function useLink(sync: (hubTimeMs: number) => void) {
  const session = shallowRef<CaptureSession | null>(null);
  let token = '';
  let refreshing: ReturnType<typeof setInterval> | undefined;

  function take(told: CaptureSession): CaptureSession {
    session.value = told;
    sync(told.hubTimeMs);
    return told;
  }

  /**
   * The token is in the fragment, which no server and no log ever sees. It is taken out of the address once the hub has
   * answered: before that, a reload must find it there. Throws ApiFailure.
   */
  async function open(): Promise<CaptureSession> {
    token = location.hash.slice(1) || token;
    if (token === '') return refresh();
    const told = await api(CaptureSession, 'POST', '/capture/session', { token }).catch((error: unknown) => {
      if (!(error instanceof ApiFailure && error.code === 'network')) hideToken();
      throw error;
    });
    hideToken();
    return take(told);
  }
  const hideToken = (): void => history.replaceState(null, '', location.pathname + location.search);

  const hasToken = (): boolean => token !== '' || location.hash.length > 1;

  /** Throws ApiFailure. */
  const refresh = async (): Promise<CaptureSession> => take(await api(CaptureSession, 'GET', '/capture/session'));

  /** Throws ApiFailure: `taken`, `name-taken`. */
  const choose = async (choice: AngleChoice): Promise<CaptureSession> => take(await api(CaptureSession, 'POST', '/capture/angle', choice));

  /** While somebody chooses, the list says what others film by now. */
  function keepFresh(on: boolean): void {
    clearInterval(refreshing);
    refreshing = on ? setInterval(() => void refresh().catch(() => undefined), REFRESH_MS) : undefined; // the next one may come through
  }
  onScopeDispose(() => keepFresh(false));

  return { session, open, hasToken, refresh, choose, keepFresh };
}
