import { connect } from 'node:net';

/** One connection that says nothing more, and how it ends. */
export type IdleSocket = { closed: Promise<void>; close: () => void };

/** Plain TCP, or TCP that sends these bytes and then nothing; `closed` whether politely or not. `end` says that nothing follows. */
export function idleTcp(url: URL, bytes: string | Uint8Array = ''): Promise<IdleSocket & { end: () => void }> {
  const socket = connect(Number(url.port), url.hostname);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  socket.resume();
  return new Promise((resolve) => {
    const opened = (): void => resolve({ closed, end: () => void socket.end(), close: () => void socket.destroy() });
    socket.once('connect', () => (bytes.length === 0 ? opened() : socket.write(bytes, opened)));
    socket.once('close', opened);
  });
}

/** A WebSocket to the signalling's address that sends these frames of socket.io, and then nothing; `heard` is all it was told. */
export function idleWebSocket(
  url: URL,
  frames: string[] = [],
): Promise<IdleSocket & { heard: string[]; send: (data: string | Uint8Array<ArrayBuffer>) => void }> {
  const socket = new WebSocket(`ws://${url.host}/socket.io/?EIO=4&transport=websocket`);
  const heard: string[] = [];
  socket.addEventListener('message', ({ data }) => {
    heard.push(String(data));
    if (data === '2') socket.send('3'); // it lives, and answers engine.io's pings
  });
  const closed = new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  return new Promise((resolve, reject) => {
    socket.addEventListener('error', () => reject(new Error('no WebSocket came about')));
    socket.addEventListener('open', () => {
      for (const frame of frames) socket.send(frame);
      resolve({ closed, heard, send: (data) => socket.send(data), close: () => socket.close() });
    });
  });
}
