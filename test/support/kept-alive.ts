import { Agent, request } from 'node:http';
import type { Sent } from './fuzz-requests.ts';

export type Told = { status: number; text: string };
const LATE_MS = 30_000;
/** What makes a connection unfit for the next request. */
const OWN_CONNECTION = ['content-length', 'transfer-encoding', 'expect'];

/**
 * Requests over connections that stay open, from several addresses of this machine, as the hub counts tries by address. A
 * connection that the hub closes without an answer is status 0; one that gives none in time, 599.
 */
export class KeptAlive {
  readonly #url: URL;
  readonly #agents = new Map<number, Agent>();

  constructor(url: string) {
    this.#url = new URL(url);
  }

  ask({ method, path, headers, body }: Sent, from: number): Promise<Told> {
    const { hostname: host, port } = this.#url;
    const lies = Object.keys(headers).some((name) => OWN_CONNECTION.includes(name)) && headers['content-length'] !== String(body?.length);
    const agent = lies ? false : this.#agentOf(from);
    return new Promise((resolve) => {
      const sent = request({ host, port, method, path, headers, agent, localAddress: address(from) }, (response) => {
        let text = '';
        response.setEncoding('latin1');
        response.on('data', (chunk: string) => (text = text.length < 2000 ? text + chunk : text));
        response.once('close', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.once('error', (error) => resolve({ status: 0, text: error.message }));
      sent.once('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, text: 'upgraded' });
      });
      sent.setTimeout(LATE_MS, () => {
        resolve({ status: 599, text: 'no answer in time' });
        sent.destroy();
      });
      sent.end(body ?? undefined);
    });
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agentOf(from: number): Agent {
    const known = this.#agents.get(from) ?? new Agent({ keepAlive: true, maxSockets: 4, localAddress: address(from) });
    this.#agents.set(from, known);
    return known;
  }
}

const address = (from: number): string => `127.0.${1 + (from % 200)}.1`;
