import { connect } from 'node:net';

const HEAD = 'host: 127.0.0.1\r\n';
const json = 'content-type: application/json\r\n';

/** What no client library sends: lengths that lie, two lengths, bytes that are no HTTP. */
export const BROKEN_HTTP = [
  `POST /api/session HTTP/1.1\r\n${HEAD}${json}content-length: 500\r\n\r\n{"login":`,
  `POST /api/session HTTP/1.1\r\n${HEAD}${json}content-length: 3\r\n\r\n{"login":"x","password":"y"}`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}content-length: 10\r\ncontent-length: 20\r\n\r\n{"name":"a"}`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}content-length: -1\r\n\r\n{}`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}content-length: 99999999999999999999\r\n\r\n{}`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}transfer-encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
  `POST /api/operations HTTP/1.1\r\n${HEAD}${json}transfer-encoding: xchunked, gzip\r\n\r\n{}`,
  `POST /api/capture/probe HTTP/1.1\r\n${HEAD}content-type: application/octet-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
  `POST /whip/a-b/c-d HTTP/1.1\r\n${HEAD}content-type: application/sdp\r\ncontent-length: 9000000000\r\n\r\nv=0`,
  `PUT /api/session/password HTTP/1.1\r\n${HEAD}content-length: 1\r\n\r\n`,
  `GET /healthz HTTP/1.1\r\n${HEAD}${HEAD}\r\n`,
  'GET /healthz HTTP/1.1\r\n\r\n',
  'GET /healthz HTTP/1.0\r\n\r\n',
  'GET /healthz\r\n',
  `GET /healthz HTTP/9.9\r\n${HEAD}\r\n`,
  `get /healthz HTTP/1.1\r\n${HEAD}\r\n`,
  `GET http://evil.example/api/session HTTP/1.1\r\n${HEAD}\r\n`,
  `GET //api//session HTTP/1.1\r\n${HEAD}\r\n`,
  `OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`,
  `CONNECT 127.0.0.1:22 HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /api/\u0000session HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /api/session HTTP/1.1\r\n${HEAD}x: a\u0000b\r\n\r\n`,
  `GET /api/session HTTP/1.1\r\n${HEAD}x : y\r\n z\r\n\r\n`,
  `GET /api/session HTTP/1.1\r\n${HEAD}${'x: y\r\n'.repeat(3000)}\r\n`,
  `GET /${'a'.repeat(90_000)} HTTP/1.1\r\n${HEAD}\r\n`,
  `GET /api/session HTTP/1.1\r\n${HEAD}cookie: ${'a'.repeat(90_000)}\r\n\r\n`,
  `GET /healthz HTTP/1.1\r\n${HEAD}\r\n`.repeat(50),
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\r\n\r\n\r\n',
  '\u0000'.repeat(5000),
];

/** What the hub says to these bytes, until it closes the connection or has said nothing more for so long. */
export function saidTo(bytes: string, port: number, quietMs = 300): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.from(bytes, 'latin1')));
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    socket.once('error', (error) => (said += ` ${error.message}`));
    socket.once('close', () => resolve(said));
  });
}
