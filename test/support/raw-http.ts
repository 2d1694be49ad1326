import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type RawReply = { status: number; headers: Record<string, string | string[] | undefined>; body: string };
export type RawAsk = { method?: string; headers?: Record<string, string>; body?: string };

/** Below fetch: any header, any method, certificates that nobody trusts, and an answer that comes before the body is sent. */
export function rawHttp(url: string, { method = 'GET', headers = {}, body }: RawAsk = {}): Promise<RawReply> {
  const open = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    let answered = false;
    const sent = open(url, { method, headers, rejectUnauthorized: false, agent: false }, (response) => {
      answered = true;
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on('error', (error) => {
      if (!answered) reject(error);
    });
    sent.end(body);
  });
}
