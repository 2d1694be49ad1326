import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import {
  type Descendant,
  descendantsOf,
  ffmpegsOf,
  filesWith,
  gatewayOperation,
  type GatewayOperation,
  holdingsOf,
  takeUp,
} from './gateways.ts';
import { type RunningHub, startHub, until } from './hub.ts';
import { complaints, type Line, journalsOf, packetTimes, playTake } from './playback.ts';

/** A hub with one operation of cameras and encoders, over all its runs: what it holds, and what it tells of secrets. */
export class GatewayHub {
  readonly root: string;
  /** Keys and passwords that it has been told, or has made. */
  readonly secrets: string[];
  readonly #settings: Record<string, string>;
  /** What the runs before this one have said. */
  readonly #said: string[] = [];
  readonly #before: ReturnType<typeof holdingsOf>;
  #hub: RunningHub;
  #operation: GatewayOperation;

  private constructor(root: string, secrets: string[], settings: Record<string, string>, hub: RunningHub, operation: GatewayOperation) {
    this.root = root;
    this.secrets = secrets;
    this.#settings = settings;
    this.#hub = hub;
    this.#operation = operation;
    this.#before = holdingsOf(hub);
  }

  static async start(name: string, env: Record<string, string>, secrets: string[] = []): Promise<GatewayHub> {
    const root = mkdtempSync(join(tmpdir(), `fieldhub-${name}-`));
    const settings = { SEGMENT_SECONDS: '2', LOG_LEVEL: 'debug', ...env };
    const hub = await startHub(join(root, 'data'), settings);
    return new GatewayHub(root, secrets, settings, hub, await gatewayOperation(hub));
  }

  get url(): string {
    return this.#hub.url;
  }
  get operation(): GatewayOperation {
    return this.#operation;
  }
  /** The media process. */
  get media(): number {
    return this.#hub.state().media;
  }
  get holdings(): ReturnType<typeof holdingsOf> {
    return holdingsOf(this.#hub);
  }
  /** Of the media process, that run now. */
  ffmpegs(): Descendant[] {
    return ffmpegsOf(this.media);
  }

  /** Every process at once, as a machine that loses its power. */
  async kill(): Promise<void> {
    await this.#hub.killAll();
    this.#said.push(this.#hub.output());
  }

  async startAgain(): Promise<void> {
    this.#hub = await startHub(join(this.root, 'data'), this.#settings);
    this.#operation = takeUp(this.#hub, this.#operation.operationId);
  }

  async stop(): Promise<void> {
    await this.#hub.stop();
    rmSync(this.root, { recursive: true, force: true });
  }

  /** What runs, and what it tells of this angle, is without a secret. */
  async expectUntold(angleId: string): Promise<void> {
    const commands = descendantsOf(this.#hub.process.pid ?? 0).map(({ command }) => command);
    const told = [await this.#operation.source(angleId), await this.#operation.angle(angleId)].map((each) => JSON.stringify(each));
    for (const text of [...commands, ...told]) this.#expectWithout(text);
  }

  /** No process, port or connection more than when there was no camera yet. */
  async expectNothingLeft(): Promise<void> {
    expect(this.ffmpegs()).toEqual([]);
    await until('all is as before', () => isDeepStrictEqual(this.holdings, this.#before));
  }

  /** No secret stands anywhere but in the hub's database, which only the hub's user reads: in no file, and in no run's log. */
  expectSecretsKept(): void {
    const found = filesWith(join(this.root, 'data'), this.secrets).filter((path) => !/fieldhub\.sqlite(-wal|-shm)?$/.test(path));
    expect(found).toEqual([]);
    for (const said of [...this.#said, this.#hub.output()]) this.#expectWithout(said);
  }

  async expectVerified(): Promise<void> {
    const { problems } = await verifyOperation(this.#operation.dir);
    expect(problems).toEqual([]);
  }

  /**
   * Of an angle's only take: no picture is missing, they are as far apart as they were taken (`offS`: give or take; the last
   * `tail` that others refer to may be there without those between), and ffmpeg plays every segment and the whole without a
   * word. Its codecs are these.
   */
  async expectWhole(
    angleId: string,
    { codecs, fps, offS, tail = 4 }: { codecs: RegExp; fps: number; offS: number; tail?: number },
  ): Promise<WholeTake> {
    const { dir } = this.#operation;
    const [take] = journalsOf(dir, angleId);
    if (!take) throw new Error('no take');
    const [init] = take.lines.filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
    expect(init?.tracks.map(({ codec }) => codec).join(',')).toMatch(codecs);
    const ended = take.lines.at(-1) as WholeTake['ended'];
    expect(ended).toMatchObject({ type: 'take.ended', missing: 0 });
    const shown = packetTimes(take.dir, 'video').toSorted((a, b) => a - b);
    expect(shown).toHaveLength(ended.frames);
    const steps = shown.slice(1, -tail).map((time, i) => ({ at: time, stepS: time - (shown[i] ?? 0) }));
    expect(steps.filter(({ stepS }) => !(Math.abs(stepS - 1 / fps) < offS))).toEqual([]);
    expect(complaints(dir, angleId)).toEqual([]);
    const { status, said } = await playTake(dir, angleId, '0001');
    expect({ status, said }).toEqual({ status: 0, said: '' });
    return { lines: take.lines, ended };
  }

  #expectWithout(text: string): void {
    for (const secret of this.secrets) expect(text).not.toContain(secret);
  }
}

export type WholeTake = { lines: Line[]; ended: { type: string; frames: number; missing: number; reason: string } };
