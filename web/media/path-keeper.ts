import type { types } from 'mediasoup-client';

/** A path that is only disturbed may come back by itself. */
const DISTURBED_MS = 2500;
/** The hub could not be asked: it may not be reached either. */
const UNASKED_MS = 2000;
/** So long the checks of a restart may take before another is tried. */
const CHECKS_MS = 8000;

type Restarted = { iceParameters: Record<string, unknown>; iceServers: unknown[] };

/** Restarts ICE (RFC 8445, 2.4) whenever a transport has lost its path to the hub, until it has another or is closed. */
export class PathKeeper {
  readonly #transport: types.Transport;
  readonly #ask: (transportId: string) => Promise<Restarted>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working = false;
  /** A restart has been asked for since the last one began; whatever the path looks like, it is owed. */
  #owed = false;

  /** `ask` the hub for the ICE parameters of a restart. */
  constructor(transport: types.Transport, ask: (transportId: string) => Promise<Restarted>) {
    this.#transport = transport;
    this.#ask = ask;
    transport.on('connectionstatechange', (state) => this.#changed(state));
    transport.observer.once('close', () => clearTimeout(this.#timer));
  }

  /** The hub can be asked again, or the network is another: where there is no path, look for one now. */
  check(): void {
    if (['disconnected', 'failed'].includes(this.#transport.connectionState)) void this.restart();
  }

  /** Look for another path; asked for while that goes on, once more after it. Tried again until it has been done. */
  async restart(): Promise<void> {
    const transport = this.#transport;
    this.#owed = true;
    if (this.#working || transport.closed) return;
    clearTimeout(this.#timer);
    this.#working = true;
    let nextMs = CHECKS_MS;
    try {
      while (this.#owed) {
        this.#owed = false;
        const { iceParameters, iceServers } = await this.#ask(transport.id);
        await transport.updateIceServers({ iceServers: iceServers as RTCIceServer[] });
        await transport.restartIce({ iceParameters: iceParameters as types.IceParameters });
      }
    } catch (error) {
      nextMs = UNASKED_MS;
      this.#owed = true;
      if (!transport.closed) console.warn('path not restored', error);
    }
    this.#working = false;
    if (this.#owed || transport.connectionState !== 'connected') this.#later(nextMs);
  }

  #changed(state: types.ConnectionState): void {
    if (state === 'closed' || (state === 'connected' && !this.#owed)) clearTimeout(this.#timer);
    else if (state === 'disconnected') this.#later(DISTURBED_MS);
    else if (state === 'failed') void this.restart();
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#transport.closed) this.#timer = setTimeout(() => void this.restart(), ms);
  }
}
