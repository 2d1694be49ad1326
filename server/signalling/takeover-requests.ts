import type { Context } from '../context.ts';
import { recorded } from '../custody/recorded.ts';
import type { ConsoleRequests } from '../protocol/socket.ts';
import type { ConsolePermit } from './console-permit.ts';
import type { Membership } from './media-requests.ts';
import type { HandlersOf } from './reply.ts';

/** A commander decides which device films an angle: what was decided stands in the custody log before it is so. */
export function consoleTakeovers(
  { hub, custody }: Pick<Context, 'hub' | 'custody'>,
  membership: Membership,
  permit: ConsolePermit,
): Pick<HandlersOf<ConsoleRequests>, 'answerTakeover'> {
  return {
    answerTakeover: async ({ requestId, agree }) => {
      const { operationId } = membership.get();
      const { angleId, device, from } = hub.takeovers.asked(operationId, requestId);
      const line = { what: 'takeover.answered', who: permit.who(), operationId, angleId, subject: requestId } as const;
      const detail = { agree, device, fromDevice: from };
      await recorded(custody, { ...line, detail }, () => hub.takeovers.answer(operationId, requestId, agree)); // its time may run out meanwhile
      return {};
    },
  };
}
