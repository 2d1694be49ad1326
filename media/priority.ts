import { constants, setPriority } from 'node:os';

/**
 * Put this process, and what it starts from now on, before others: a packet that is not read in time is lost, a page that is
 * answered late is only late. False where that is not allowed (it takes CAP_SYS_NICE or a limit, RLIMIT_NICE).
 */
export function beforeOthers(): boolean {
  try {
    setPriority(constants.priority.PRIORITY_ABOVE_NORMAL);
    return true;
  } catch {
    return false;
  }
}

/** Put a process that this one has started among all others again. */
export function amongOthers(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_NORMAL);
  } catch {
    // it has ended
  }
}
