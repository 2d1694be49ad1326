import type { Context } from '../context.ts';
import { recorded } from '../custody/recorded.ts';
import type { ConsoleRequests } from '../protocol/socket.ts';
import type { ConsolePermit } from './console-permit.ts';
import type { Membership } from './media-requests.ts';
import type { HandlersOf } from './reply.ts';

/** A commander has seen an alarm of his operation, or of the hub as a whole. */
export function consoleAlarms(
  { hub, custody }: Pick<Context, 'hub' | 'custody'>,
  membership: Membership,
  permit: ConsolePermit,
): Pick<HandlersOf<ConsoleRequests>, 'dismissAlarm'> {
  return {
    dismissAlarm: async ({ alarmId }) => {
      const operationId = membership.joined();
      if (!hub.alarms(operationId).some((alarm) => alarm.alarmId === alarmId)) return {}; // it is gone, or none of theirs
      const line = { what: 'alarm.dismissed', who: permit.who(), operationId, detail: { alarm: alarmId } } as const;
      return recorded(custody, line, () => hub.dismissAlarm(alarmId));
    },
  };
}
