import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { refusalOfConnect, SourceRefusal } from './reasons.ts';

const CONNECT_MS = 5000;

/**
 * A connection to a checked address. Cameras' certificates are their own, so that TLS keeps others from listening, but does
 * not prove who answers. Throws `SourceRefusal`.
 */
export function connectTo(ip: string, port: number, tls: { servername: string } | null, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ host: ip, port, rejectUnauthorized: false, ...(/^[0-9.]+$|:/.test(tls.servername) ? {} : tls) })
      : connect({ host: ip, port });
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const stop = (): void => fail(new SourceRefusal('connection-lost'));
    const timer = setTimeout(() => fail(new SourceRefusal('timed-out')), CONNECT_MS);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', (error) => fail(refusalOfConnect(error)));
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
      socket.removeAllListeners('error');
      socket.on('error', () => socket.destroy());
      socket.setNoDelay(true).setKeepAlive(true, 10_000);
      resolve(socket);
    });
  });
}
