/**
 * How much room a disk has, against the reserve R that the administrator set. Above 1.5 R: `ample`. Below: `low`, an
 * early alarm. Below R: `refusing`, no take begins. Below R/4: `closed`, running takes are ended too; what is left is
 * for the frames still on their way, the last journal lines, the control plane's database and Redis.
 *
 * At the default of 2 GiB and looks every 250 ms, a program that fills the disk with 500 MB/s is seen six times between
 * R and R/4, and another second passes before the disk is full; 60 streams of 2.5 Mbit/s take 80 s from R to R/4.
 */
export type DiskLevel = 'ample' | 'low' | 'refusing' | 'closed';

const LOW = 1.5;
/** An alarm ends a little above where it began, so that it does not flicker. */
const AMPLE_AGAIN = 1.6;
const CLOSED = 0.25;

/** The level at `freeBytes`. Once takes were closed, none begins before R is free again: `closed` stays until then. */
export function diskLevel(freeBytes: number, reserveBytes: number, before: DiskLevel): DiskLevel {
  if (freeBytes < reserveBytes * CLOSED) return 'closed';
  if (freeBytes < reserveBytes) return before === 'closed' ? 'closed' : 'refusing';
  if (freeBytes < reserveBytes * LOW) return 'low';
  return before !== 'ample' && freeBytes < reserveBytes * AMPLE_AGAIN ? 'low' : 'ample';
}

/** How soon to look again: often where there is little. */
export function lookAgainMs(freeBytes: number, reserveBytes: number): number {
  return freeBytes < reserveBytes * 2 ? 250 : 1000;
}
