import { createHmac } from 'node:crypto';
import type { IceServer } from '../protocol/socket.ts';

export type TurnSettings = { urls: string[]; secret: string | null };

/** Long enough for a night; whoever is there longer gets new ones with each ICE restart. */
const LIFE_S = 12 * 3600;

/**
 * The STUN and TURN servers that a client may use until `nowMs` plus twelve hours: coturn's time-limited credentials
 * (`use-auth-secret`, draft-uberti-behave-turn-rest): the user name is the second at which they end and whose they are, the
 * password its HMAC-SHA1 under the secret that hub and TURN server share. `nowMs` is the machine's wall clock, as the TURN
 * server has one too, and no hub time.
 */
export function iceServers({ urls, secret }: TurnSettings, id: string, nowMs: number): IceServer[] {
  const username = `${Math.floor(nowMs / 1000) + LIFE_S}:${id}`;
  return urls.map((url) => {
    if (secret === null || /^stuns?:/.test(url)) return { urls: url };
    return { urls: url, username, credential: createHmac('sha1', secret).update(username).digest('base64') };
  });
}
