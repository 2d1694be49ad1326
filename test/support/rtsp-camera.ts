import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { keep } from '../../scripts/demo/child.ts';

export type RtspCamera = {
  port: number;
  url: (path: string, password?: string) => string;
  signal: (name: NodeJS.Signals) => void;
  stop: () => Promise<void>;
};

export const USER = 'admin';
/** With what must be escaped in an address. */
export const PASSWORD = 'geh3im/@:&%wort';

/** Debian's GStreamer RTSP server as a camera with a password; each path is a pipeline of its own for each viewer. */
export async function rtspCamera(streams: Record<string, string>, port = 0): Promise<RtspCamera> {
  const asked = JSON.stringify({ user: USER, password: PASSWORD, port, streams });
  const script = fileURLToPath(new URL('rtsp-server.py', import.meta.url));
  const server = keep(spawn('/usr/bin/python3', [script, asked], { stdio: ['ignore', 'pipe', 'pipe'] }));
  const [said] = (await once(server.stdout, 'data')) as [Buffer];
  const listening = Number(said.toString());
  return {
    port: listening,
    url: (path, password = PASSWORD) => `rtsp://${USER}:${encodeURIComponent(password)}@127.0.0.1:${listening}/${path}`,
    signal: (name) => void server.kill(name),
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill('SIGKILL');
      await once(server, 'exit');
    },
  };
}
