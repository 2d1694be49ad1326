import type { Context } from '../context.ts';
import type { CaptureRequests, ConsoleRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';
import type { Membership } from './media-requests.ts';

/** What an operator marks is of the angle that the link is for; it asks for no `join`, so that a call for help waits for nothing. */
export function captureMarks(
  { hub }: Context,
  { operationId, angleId }: { operationId: string; angleId: string },
): Pick<HandlersOf<CaptureRequests>, 'mark' | 'labelMark' | 'seeMessage' | 'noteHidden'> {
  return {
    seeMessage: ({ messageId, atMs }) => hub.media.request('seeMessage', { operationId, angleId, messageId, atMs }),
    noteHidden: (hidden) => hub.media.request('noteHidden', { operationId, angleId, ...hidden }),
    mark: (mark) => hub.media.request('addMark', { operationId, angleId, by: 'operator', ...mark }),
    labelMark: ({ markId, text }) => hub.media.request('labelMark', { operationId, markId, angleId, by: 'operator', text }),
  };
}

/** A commander marks any angle of the operation that the console has joined, or all of it, and answers calls for help. */
export function consoleMarks(
  { hub }: Context,
  membership: Membership,
): Pick<HandlersOf<ConsoleRequests>, 'mark' | 'labelMark' | 'acknowledgeMark' | 'sendMessage'> {
  const operationId = (): string => membership.get().operationId;
  return {
    mark: (mark) => hub.media.request('addMark', { operationId: operationId(), by: 'commander', kind: 'moment', ...mark }),
    labelMark: ({ markId, text }) =>
      hub.media.request('labelMark', { operationId: operationId(), markId, angleId: null, by: 'commander', text }),
    sendMessage: (message) => hub.media.request('sendMessage', { operationId: operationId(), ...message }),
    acknowledgeMark: ({ markId, text }) => hub.media.request('acknowledgeMark', { operationId: operationId(), markId, text }),
  };
}
