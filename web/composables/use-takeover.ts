import { ref, type Ref, watch } from 'vue';
import type { CaptureSession } from '../../server/protocol/capture.ts';
import type { CaptureRequests, HubEvents } from '../../server/protocol/socket.ts';
import type { Signalling } from '../media/signalling.ts';
import { ApiFailure } from './api.ts';

/** Why filming begins without a touch of the button, or by another than the usual one. */
export type Turn = 'agreed' | 'free' | 'unanswered' | 'beside';
/** `closed`: no angle is in use that this phone wants. `moving`: an angle beside it is being made. */
export type TakeoverState = 'closed' | 'idle' | 'asking' | 'refused' | 'moving';

type Owner = {
  session: Ref<CaptureSession | null>;
  signalling: Ref<Signalling<CaptureRequests> | null>;
  /** Have it connected, now or soon. */
  connect: () => void;
  /** Have an angle of one's own beside the one in use. Throws ApiFailure. */
  chooseBeside: () => Promise<void>;
  /** The angle can be filmed; `turn`: it shall be, at once. */
  ready: (turn: Turn | null) => void;
  failed: (error: unknown) => void;
};

/** An angle that another device films: asked for, given or not; or an angle beside it, so that nobody waits. */
export function useTakeover({ session, signalling, connect, chooseBeside, ready, failed }: Owner) {
  const state = ref<TakeoverState>('closed');
  const untilMs = ref(0);

  function open(): void {
    state.value = 'idle';
  }
  function close(): void {
    state.value = 'closed';
  }

  async function ask(): Promise<void> {
    state.value = 'asking';
    untilMs.value = 0;
    connect();
    if (signalling.value?.socket.connected) await askNow();
  }

  /** Also when signalling is back after it was lost: the hub knows who has asked already. */
  async function askNow(): Promise<void> {
    if (state.value !== 'asking') return;
    try {
      untilMs.value = (await signalling.value?.request('askTakeover', {}))?.untilMs ?? 0;
    } catch (error) {
      if (error instanceof ApiFailure && error.field === 'free') return go('free');
      if (error instanceof ApiFailure && error.code === 'timeout') return; // asked again when it is back
      state.value = 'idle';
      failed(error);
    }
  }

  function heard({ decision }: HubEvents['takeover']): void {
    if (state.value !== 'asking') return;
    if (decision === 'agreed') go('agreed');
    else if (decision === 'unanswered') void beside('unanswered');
    else state.value = decision === 'refused' ? 'refused' : 'idle';
  }

  async function beside(turn: Turn = 'beside'): Promise<void> {
    state.value = 'moving';
    try {
      await chooseBeside();
      go(turn);
    } catch (error) {
      if (error instanceof ApiFailure && error.field === 'free') go('free');
      else {
        state.value = 'idle';
        failed(error);
      }
    }
  }

  async function cancel(): Promise<void> {
    state.value = 'idle';
    await signalling.value?.request('withdrawTakeover', {}).catch(() => undefined); // it runs out by itself
  }

  function go(turn: Turn): void {
    close();
    ready(turn);
  }

  // who filmed has stopped, or nothing comes from it any more
  watch(session, (told) => {
    if (state.value === 'closed' || state.value === 'moving' || !told || told.inUse) return;
    const asking = state.value === 'asking';
    close();
    ready(asking ? 'free' : null);
  });

  return { state, untilMs, open, close, ask, askNow, heard, beside: () => beside(), cancel };
}
