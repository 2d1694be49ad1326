import type { IceServer } from '../protocol/socket.ts';

/** What WHIP and WHEP clients are told of ICE servers: one Link header each (RFC 9725, 4.6; RFC 8288). */
export function iceServerLinks(servers: IceServer[]): string[] {
  const quote = (value: string): string => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
  return servers.map(({ urls, username, credential }) => {
    const secret = credential === undefined ? [] : [`credential=${quote(credential)}`, 'credential-type="password"'];
    return [`<${urls}>`, 'rel="ice-server"', ...(username === undefined ? [] : [`username=${quote(username)}`]), ...secret].join('; ');
  });
}
