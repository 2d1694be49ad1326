import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SenderTruth } from '../sender-order.ts';
import { noTruth, type Prepared } from '../sender-stream.ts';
import type { SrtpKeys } from './webrtc-end.ts';

/** One RTP stream of a phone: `source` by its index, `startMs` the UTC of its timestamp 0. */
export type ReplayStream = { phone: number; source: number; ssrc: number; payloadType: number; firstTimestamp: number; startMs: number };
/** Of every `gopFrames` the first is a key frame; 0: there are none. */
export type ReplaySource = { frames: Prepared[]; clockRate: number; loopTicks: number; gopFrames: number };
/** `fd`: a connected UDP socket of this process. */
export type ReplayPhone = { fd: number; keys: SrtpKeys };

const FIRST_FD = 3;

/** Make the program that plays the phones, in this folder; its path. */
export function buildReplay(dir: string): string {
  const path = join(dir, 'srtp-replay');
  const source = fileURLToPath(new URL('srtp-replay.cc', import.meta.url));
  execFileSync('g++', ['-std=c++17', '-O2', '-o', path, source, '-lcrypto'], { stdio: 'inherit' });
  return path;
}

/** Plays streams of recorded RTP over SRTP (srtp-replay.cc). */
export class SrtpReplay {
  readonly #child: ChildProcess;
  readonly #streams: ReplayStream[];

  /** Begins at once. `dir`: where it may leave its sources. */
  constructor(program: string, dir: string, anchorMs: number, sources: ReplaySource[], phones: ReplayPhone[], streams: ReplayStream[]) {
    this.#streams = streams;
    this.#child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit', ...phones.map(({ fd }) => fd)] });
    this.#child.stdin?.on('error', () => undefined); // it has ended, which its exit tells
    this.#child.once('exit', (code) => code !== 0 && process.exit(1));
    this.#say('anchor', anchorMs);
    for (const [i, source] of sources.entries()) {
      const path = join(dir, `phones-${i}.bin`);
      writeFileSync(path, packed(source));
      this.#say('source', path);
    }
    for (const [i, { keys }] of phones.entries()) this.#say('phone', FIRST_FD + i, keys.rtp.toString('hex'), keys.salt.toString('hex'));
    for (const { phone, source, ssrc, payloadType, firstTimestamp, startMs } of streams) {
      this.#say('stream', phone, source, ssrc, payloadType, firstTimestamp, Math.floor(Math.random() * 0x10000), startMs);
    }
    this.#say('begin');
  }

  /** Send this packet of a stream again. */
  resend(stream: number, sequence: number): void {
    this.#say('nack', stream, sequence);
  }

  /** A key frame of a stream next. */
  keyFrame(stream: number): void {
    this.#say('key', stream);
  }

  /** Stop; resolves with what was sent of each stream. */
  async end(): Promise<SenderTruth[]> {
    const truths: SenderTruth[] = [];
    if (!this.#child.stdout) throw new Error('no output');
    const lines = createInterface(this.#child.stdout);
    this.#say('end');
    for await (const line of lines) {
      const words = line.split(' ');
      if (words[0] === 'stream') {
        const [packets = 0, nacked = 0, resent = 0] = words.slice(1).map(Number);
        truths.push({ ...noTruth(), packets, nacked, resent });
        continue;
      }
      const truth = truths.at(-1) as SenderTruth;
      const [captureMs = 0, delayMs = 0, bytes = 0] = words.map(Number);
      truth.frames += 1;
      truth.captureMs.push(captureMs);
      truth.delayMs.push(delayMs);
      truth.bytes.push(bytes);
    }
    if (truths.length !== this.#streams.length) throw new Error('the synthetic phones ended early');
    return truths;
  }

  #say(...words: (string | number)[]): void {
    this.#child.stdin?.write(`${words.join(' ')}\n`);
  }
}

/** As srtp-replay.cc reads it: numbers of 32 bits, high bytes first, and payloads. */
function packed({ frames, clockRate, loopTicks, gopFrames }: ReplaySource): Buffer {
  const parts: Buffer[] = [];
  const number = (...values: number[]): void => {
    for (const value of values) {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      parts.push(bytes);
    }
  };
  number(clockRate, loopTicks, gopFrames, frames.length);
  for (const { timestamp, bytes, packets } of frames) {
    number(timestamp, bytes, packets.length);
    for (const { marker, payload } of packets) {
      number(marker ? 1 : 0, payload.length);
      parts.push(payload);
    }
  }
  return Buffer.concat(parts);
}
