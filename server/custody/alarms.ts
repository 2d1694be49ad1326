import type { StandingAlarms } from '../live/standing-alarms.ts';
import type { LogHealth } from './log.ts';

const REFUSING = 'custody-refusing';
const BROKEN = 'custody-broken';

/**
 * Consoles are told of a log that cannot be written, for as long as that lasts, and of one that somebody was at, until somebody
 * has dismissed it: what is wrong with it stands in it for good.
 */
export function custodyAlarms({ standing, nowMs }: { standing: StandingAlarms; nowMs: () => number }): (health: LogHealth) => void {
  let told = '';
  return ({ refusal, problems }) => {
    if (refusal === null) standing.clear(REFUSING);
    else {
      const message = `The custody log cannot be written: ${refusal}. What must be in it is refused; phones go on. Look after the disk.`;
      standing.raise({ alarmId: REFUSING, code: REFUSING, message, facts: { why: refusal }, atMs: nowMs(), lasting: true });
    }
    const [first] = problems;
    const found = JSON.stringify(problems);
    if (!first || found === told) return;
    told = found;
    const count = String(problems.length);
    const message = `The custody log is not as the hub wrote it: ${count} problems, the first in line ${first.line} (${first.kind}: ${first.message}).`;
    const facts = { count, line: String(first.line), why: first.message };
    standing.raise({ alarmId: BROKEN, code: BROKEN, message, facts, atMs: nowMs(), lasting: false });
  };
}
