/** Seconds between 1900 (NTP, RFC 5905) and 1970. */
const NTP_UNIX_S = 2_208_988_800;

/** A 64-bit NTP timestamp, as sender reports have it (RFC 3550, 4), in milliseconds since 1970. */
export function ntpMs(seconds: number, fraction: number): number {
  return (seconds - NTP_UNIX_S) * 1000 + (fraction / 2 ** 32) * 1000;
}
