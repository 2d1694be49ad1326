import { readFileSync } from 'node:fs';
import { createWorker, type types } from 'mediasoup';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

export type WorkerSlot = { index: number; worker: types.Worker; server: types.WebRtcServer; routers: number };
export type WorkerPoolOptions = {
  count: number;
  listenIp: string;
  port: number;
  announcedAddress: string;
  log: Log;
  died: (slot: WorkerSlot, reason: string) => void;
};

/** All phones of a worker send to one port: what comes while the worker does something else must not be lost. */
const RECEIVE_BYTES = 4 << 20;
const SEND_BYTES = 4 << 20;
const RETRIES = 20;
const RETRY_MS = 100;

/** One mediasoup worker a slot, each with a WebRtcServer on its own port, UDP and TCP. A worker that dies is replaced. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: (WorkerSlot | null)[];
  #state: 'open' | 'closed' = 'open';

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = new Array<WorkerSlot | null>(options.count).fill(null);
  }

  async start(): Promise<void> {
    const limitBytes = receiveLimit();
    if (limitBytes !== null && limitBytes < RECEIVE_BYTES)
      this.#options.log.warn({ limitBytes }, 'net.core.rmem_max is low: a burst of many phones may be lost (README, Many phones)');
    await Promise.all(this.#slots.map((_, index) => this.#spawn(index)));
  }

  get slots(): WorkerSlot[] {
    return this.#slots.filter((slot) => slot !== null);
  }

  /** The slot with the fewest routers. Throws `unavailable` while all workers are being replaced. */
  least(): WorkerSlot {
    const [slot] = this.slots.toSorted((a, b) => a.routers - b.routers);
    if (!slot) throw new HubError('unavailable', 'no media worker is running at the moment');
    return slot;
  }

  close(): void {
    this.#state = 'closed';
    for (const slot of this.slots) slot.worker.close();
    this.#slots.fill(null);
  }

  async #spawn(index: number): Promise<void> {
    const { log } = this.#options;
    const worker = await createWorker({ logLevel: 'warn', logTags: ['ice', 'dtls', 'rtp'] });
    const server = await this.#listen(worker, index);
    const slot: WorkerSlot = { index, worker, server, routers: 0 };
    this.#slots[index] = slot;
    worker.on('died', (error) => void this.#replace(slot, messageOf(error)));
    log.info({ pid: worker.pid, port: this.#options.port + index }, 'media worker started');
  }

  /** The port of a worker that has just died may be held a moment longer by the kernel. */
  async #listen(worker: types.Worker, index: number): Promise<types.WebRtcServer> {
    const { listenIp: ip, announcedAddress, port } = this.#options;
    const info = (protocol: 'udp' | 'tcp'): types.TransportListenInfo => ({
      protocol,
      ip,
      port: port + index,
      ...(protocol === 'udp' ? { recvBufferSize: RECEIVE_BYTES, sendBufferSize: SEND_BYTES } : {}),
      ...(announcedAddress === ip ? {} : { announcedAddress }),
    });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await worker.createWebRtcServer({ listenInfos: [info('udp'), info('tcp')] });
      } catch (error) {
        if (attempt >= RETRIES) {
          worker.close();
          throw new HubError('unavailable', `RTC_PORT: ${ip}:${port + index} cannot be used: ${messageOf(error)}`, {
            cause: error,
            field: 'RTC_PORT',
          });
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #replace(slot: WorkerSlot, reason: string): Promise<void> {
    const { log, died } = this.#options;
    if (this.#state === 'closed') return;
    log.error({ pid: slot.worker.pid, reason }, 'media worker died');
    this.#slots[slot.index] = null;
    try {
      await this.#spawn(slot.index);
    } catch (error) {
      log.error({ err: error }, 'media worker could not be replaced');
      setTimeout(() => void this.#replace(slot, reason), 1000);
      return;
    }
    died(slot, reason);
  }
}

/** The largest receive buffer that the kernel gives a socket (socket(7)), bytes; null where it does not say. */
function receiveLimit(): number | null {
  try {
    return Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
  } catch {
    return null;
  }
}
