import type { CaptureRequests } from '../../server/protocol/socket.ts';
import type { Signalling } from '../media/signalling.ts';
import { ApiFailure } from './api.ts';

/** The officer has pressed stop. A hub that has just come back does not know yet whose socket this is, and is told first. */
export async function tellStop(signalling: Signalling<CaptureRequests> | null, peerId: string): Promise<void> {
  try {
    await signalling?.request('stop', {});
  } catch (error) {
    if (!(error instanceof ApiFailure && error.code === 'conflict')) throw error;
    await signalling?.request('join', { peerId });
    await signalling?.request('stop', {});
  }
}
