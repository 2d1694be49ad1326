import { randomUUID } from 'node:crypto';
import { io, type Socket } from 'socket.io-client';
import { z } from 'zod';
import { CaptureSession } from '../../../server/protocol/http.ts';
import { Me } from '../../../server/protocol/people.ts';
import { captureRequests, consoleRequests } from '../../../server/protocol/socket.ts';
import { call } from '../../demo/hub.ts';

export const TransportInfo = z.object({
  id: z.string(),
  iceParameters: z.object({ usernameFragment: z.string(), password: z.string() }),
  iceCandidates: z.array(z.object({ address: z.string(), port: z.number(), protocol: z.string() })),
});
export type TransportInfo = z.infer<typeof TransportInfo>;

type HubAt = { url: string };
type Requests = typeof captureRequests | typeof consoleRequests;

/** A socket of signalling, whose requests are acknowledged with what the hub's own schema says. */
export class HubSocket<R extends Requests> {
  readonly peerId = randomUUID();
  readonly #socket: Socket;
  readonly #requests: R;

  private constructor(socket: Socket, requests: R) {
    this.#socket = socket;
    this.#requests = requests;
  }

  /** A phone's, by the token of its link. */
  static async capture(hub: HubAt, token: string): Promise<HubSocket<typeof captureRequests>> {
    const session = await call(hub, CaptureSession, 'POST', '/capture/session', { token });
    if (session.socketToken === null) throw new Error('this link is of no angle');
    return new HubSocket(open(`${hub.url}/capture`, session.socketToken), captureRequests);
  }

  /** A commander's. */
  static async console(hub: HubAt): Promise<HubSocket<typeof consoleRequests>> {
    const session = await call(hub, Me, 'GET', '/session');
    return new HubSocket(open(`${hub.url}/console`, session.socketToken), consoleRequests);
  }

  /** Throws what the hub answers where it refuses. */
  async ask<K extends keyof R & string>(name: K, params: object): Promise<z.infer<(R[K] & { result: z.ZodType })['result']>> {
    const reply = (await this.#socket.timeout(10_000).emitWithAck(name, params)) as { ok: boolean; data?: unknown; error?: unknown };
    if (!reply.ok) throw new Error(`${name}: ${JSON.stringify(reply.error)}`);
    const { result } = this.#requests[name] as unknown as { result: z.ZodType };
    return result.parse(reply.data) as z.infer<(R[K] & { result: z.ZodType })['result']>;
  }

  /** A transport that the hub has made for us. */
  async transport(direction: 'send' | 'recv'): Promise<TransportInfo> {
    return TransportInfo.parse(await this.ask('createTransport', { direction }));
  }

  close(): void {
    this.#socket.close();
  }
}

const open = (url: string, token: string): Socket => io(url, { auth: { token }, transports: ['websocket'], forceNew: true });
