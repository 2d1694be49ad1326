import { setTimeout as sleep } from 'node:timers/promises';
import type { types } from 'mediasoup';
import type { Log } from '../../log.ts';
import type { GatewayPhase, GatewayReason, GatewayState } from '../../protocol/gateway.ts';
import { Attempt, type AttemptOwner, type Way } from './attempt.ts';
import { CameraMeter } from './camera-meter.ts';
import type { LiveProducers } from './live-producers.ts';
import type { Plan } from './plan.ts';
import type { Recording } from './recording.ts';
import { failuresAfter, retryDelayMs } from './retry.ts';

export type GatewayOwner = Pick<AttemptOwner, 'clock' | 'router' | 'begin'> & {
  /** The recording that `begin` gave is over. Resolves when its files are closed. */
  ended: (recording: Recording) => Promise<void>;
  changed: () => void;
};

/** The camera or encoder, and the way to it. */
export type GatewayCamera = Pick<GatewayState, 'protocol' | 'mode' | 'address' | 'port'> & {
  way: Way;
  /** Nothing of the way to it is left. */
  close?: () => Promise<void>;
};

/** An encoder that comes by itself is kept waiting no longer, however often it could not be recorded. */
const MOST_WAIT_MS = 4000;

/** Keeps one camera connected, for hours: attempts follow each other, ever more slowly while they fail. */
export class Gateway {
  readonly meter = new CameraMeter();
  readonly #sourceId: string;
  readonly #camera: GatewayCamera;
  readonly #owner: GatewayOwner;
  readonly #log: Log;
  readonly #closing = new AbortController();
  #attempt: Attempt | null = null;
  #phase: GatewayPhase;
  #reason: GatewayReason | null = null;
  #plan: Plan | null = null;
  #sinceMs: number;
  #retryMs: number | null = null;
  #attempts = 0;
  #failures = 0;
  #runningMs: number | null = null;
  #work: Promise<void> | null = null;

  constructor(sourceId: string, camera: GatewayCamera, owner: GatewayOwner, log: Log) {
    this.#sourceId = sourceId;
    this.#camera = camera;
    this.#owner = owner;
    this.#log = log;
    this.#phase = this.#firstPhase;
    this.#sinceMs = owner.clock.nowMs();
  }

  get state(): GatewayState {
    return {
      protocol: this.#camera.protocol,
      mode: this.#camera.mode,
      address: this.#camera.address,
      port: this.#camera.port,
      phase: this.#phase,
      reason: this.#reason,
      notes: this.#plan?.notes ?? [],
      sinceMs: this.#sinceMs,
      retryMs: this.#retryMs,
      attempts: this.#attempts,
      model: this.meter.model,
      video: this.#plan?.video ?? null,
      audio: this.#plan?.audio ?? null,
    };
  }

  start(): void {
    this.#work ??= this.#run();
  }

  /** What is recorded now must end; the camera may come again at once. */
  restart(): void {
    this.#attempt?.stop();
  }

  async rehome(router: types.Router): Promise<LiveProducers | null> {
    return (await this.#attempt?.rehome(router)) ?? null;
  }

  /** Resolves when its processes have ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#attempt?.stop();
    await this.#work;
    await this.#camera.close?.();
    this.#become('closed');
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#attempts += 1;
      this.#runningMs = null;
      this.#become(this.#firstPhase);
      const reason = await this.#try();
      if (signal.aborted) break;
      if (reason.code !== this.#reason?.code)
        this.#log.warn({ sourceId: this.#sourceId, reason: reason.message }, 'camera lost, tried again');
      this.#reason = reason;
      this.#failures = failuresAfter(this.#failures, this.#runningMs === null ? 0 : performance.now() - this.#runningMs);
      await this.#pause(signal);
    }
  }

  async #try(): Promise<GatewayReason> {
    let recording: Recording | null = null;
    const { clock, router, begin } = this.#owner;
    this.#attempt = new Attempt(this.#camera.way, {
      clock,
      router,
      meter: this.meter,
      cname: this.#sourceId,
      arrived: () => this.#become('connecting'),
      told: (told) => {
        if (told.code === this.#reason?.code) return;
        this.#reason = told;
        this.#log.warn({ sourceId: this.#sourceId, reason: told.message }, 'an encoder was not let in');
        this.#owner.changed();
      },
      planned: (plan) => (this.#plan = plan),
      begin: (live) => (recording = begin(live)),
      running: () => {
        this.#runningMs = performance.now();
        this.#reason = null;
        this.#become('running');
        this.#log.info({ sourceId: this.#sourceId, notes: this.#plan?.notes.map(({ message }) => message) }, 'camera runs');
      },
    });
    const reason = await this.#attempt.run();
    this.#attempt = null;
    if (recording !== null) await this.#owner.ended(recording);
    return reason;
  }

  /** Encoders are waited for, cameras are fetched. */
  get #firstPhase(): GatewayPhase {
    return this.#camera.mode === 'push' ? 'waiting' : 'connecting';
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const ran = this.#runningMs !== null;
    if (this.#camera.mode === 'push' && ran) return;
    const delayMs = Math.min(retryDelayMs(this.#failures, Math.random()), this.#camera.mode === 'push' ? MOST_WAIT_MS : Infinity);
    this.#retryMs = this.#owner.clock.nowMs() + delayMs;
    this.#become('retrying');
    await sleep(delayMs, undefined, { signal }).catch(() => undefined); // closed
    this.#retryMs = null;
  }

  #become(phase: GatewayPhase): void {
    if (phase !== this.#phase) this.#sinceMs = this.#owner.clock.nowMs();
    this.#phase = phase;
    this.#owner.changed();
  }
}
