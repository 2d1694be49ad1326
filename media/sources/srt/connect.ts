import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { GatewayReason } from '../../protocol/gateway.ts';
import { hostPort } from '../gateway/address.ts';
import { FfmpegProcess } from '../gateway/ffmpeg-process.ts';
import { reasonOf, reasonOfExit, SourceRefusal } from '../gateway/reasons.ts';
import { TsItems } from '../stream/ts-items.ts';
import type { Connect, StreamSource } from '../stream/way.ts';

export type SrtTarget = {
  mode: 'listener' | 'caller';
  /** Of this machine, or of the other side. */
  ip: string;
  port: number;
  passphrase: string | null;
  streamId: string | null;
};

const CONNECT_MS = '5000';
/**
 * libsrt, through ffmpeg: it hands on the MPEG-TS that it receives, packets and timestamps as they are. Address and passphrase
 * come on descriptor 3, where no list of processes shows them.
 */
const RELAY = [
  ...'-v error -nostats -nostdin -f concat -safe 0 -protocol_whitelist pipe,srt -analyzeduration 500000 -i pipe:3'.split(' '),
  ...'-map 0:V:0? -map 0:a:0? -c copy -copyts -max_interleave_delta 100000 -flush_packets 1'.split(' '),
  ...'-muxdelay 0 -muxpreload 0 -f mpegts pipe:1'.split(' '),
];
const WRONG_KEY = /BADSECRET|Incorrect passphrase|password required|unexpected encryption|UNSECURE/i;

/** A way to a stream by SRT. `target` is asked for each attempt, and may throw `SourceRefusal`. */
export function srtConnect(target: () => Promise<SrtTarget>): Connect {
  return async (signal, told) => {
    const found = await target();
    if (found.mode === 'listener') await assertFree(found);
    if (signal.aborted) throw new SourceRefusal('connection-lost');
    const relay = new FfmpegProcess('ffmpeg', RELAY, { script: scriptOf(found), signal });
    // who came with a wrong key is told of while the next is waited for
    relay.onWords((words) => {
      if (found.mode === 'listener' && WRONG_KEY.test(words)) told(reasonOf('key-wrong'));
    });
    const came = relay.stdout ? once(relay.stdout, 'readable').then(() => relay.stdout?.readableLength !== 0) : Promise.resolve(false);
    const begun = await Promise.race([came, relay.exited.then(() => false)]);
    if (begun && !signal.aborted) return sourceOf(relay);
    await relay.stop();
    throw new SourceRefusal(signal.aborted ? reasonOf('connection-lost') : reasonOfSrt(await relay.exited, relay.words, found));
  };
}

function sourceOf(relay: FfmpegProcess): StreamSource {
  return {
    open: ({ item, ended, nowMs }) => {
      const reader = new TsItems((each) => item(each, nowMs()));
      relay.stdout?.on('data', (bytes: Buffer) => reader.push(bytes)).resume();
      void relay.exited.then((code) => {
        reader.flush();
        ended(code === null ? reasonOf('reader-killed') : null);
      });
    },
    close: () => relay.stop(),
  };
}

/** For ffmpeg's concat demuxer, whose options reach the protocol. */
function scriptOf({ mode, ip, port, passphrase, streamId }: SrtTarget): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const lines = ['ffconcat version 1.0', `file ${quoted(`srt://${hostPort(ip, port)}`)}`, `option mode ${mode}`];
  if (passphrase !== null) lines.push(`option passphrase ${quoted(passphrase)}`);
  if (streamId !== null) lines.push(`option streamid ${quoted(streamId)}`);
  if (mode === 'caller') lines.push(`option connect_timeout ${CONNECT_MS}`);
  return [...lines, 'option analyzeduration 1000000', ''].join('\n');
}

function reasonOfSrt(code: number | null, words: string, { mode, port }: SrtTarget): GatewayReason {
  if (code === null || code === 127) return reasonOfExit(code, words);
  if (/already in use/i.test(words)) return reasonOf('port-taken', { port });
  if (mode === 'caller' && WRONG_KEY.test(words)) return reasonOf('key-refused');
  if (/does not contain any stream|Invalid data/i.test(words)) return reasonOf('no-media');
  if (mode === 'caller' && /Connection to .* failed/i.test(words)) return reasonOf('timed-out');
  return reasonOfExit(code, words);
}

/** libsrt says no more than that there was an error. Throws `SourceRefusal`. */
async function assertFree({ ip, port }: SrtTarget): Promise<void> {
  const socket = createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.bind({ port, address: ip, exclusive: true });
    await once(socket, 'listening');
  } catch {
    throw new SourceRefusal('port-taken', { port });
  } finally {
    socket.close();
  }
}
