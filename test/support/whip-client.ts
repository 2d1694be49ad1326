import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type WhipClient = {
  /** What it has said so far. */
  said: () => string;
  ended: () => boolean;
  /** Ctrl+C: it deletes its session and ends. Resolves with its exit code. */
  stop: () => Promise<number | null>;
};

const IGD = 'libgupnp-igd-1.0.so.4';
const STUB = fileURLToPath(new URL('../fixtures/no-igd.c', import.meta.url));

const VIDEO =
  'videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=15/1 ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=15 ! video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 config-interval=1 ! application/x-rtp,media=video,encoding-name=H264,payload=96';
const AUDIO =
  'audiotestsrc is-live=true wave=pink-noise ! audioconvert ! audioresample ! opusenc ! rtpopuspay pt=97 ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97';

/** Debian's plugin folder of GStreamer, for this machine's kind. */
const [PLUGINS = ''] = readdirSync('/usr/lib')
  .filter((name) => name.endsWith('-linux-gnu'))
  .map((name) => `/usr/lib/${name}/gstreamer-1.0`);
/** What the client may load: of all that are installed some bring another libsoup than its own, and it ends at once. So does libnice by way of IGD. */
const LOADED =
  /^libgst(app|audioconvert|audioresample|audiotestsrc|coreelements|dtls|nice|opus|rtp|rtpmanager|sctp|srtp|videoconvertscale|videoparsersbad|videotestsrc|vpx|webrtc|x264)\.so$/;

/** Debian's simple-whip-client, an encoder made with GStreamer's webrtcbin, films this address with a test picture and noise. */
export function whipClient(url: string, token: string, more: string[] = []): WhipClient {
  const args = ['-u', url, '-t', token, '-V', VIDEO, '-A', AUDIO, '-o', '-l', '5', ...more];
  const own = mkdtempSync(join(tmpdir(), 'fieldhub-gstreamer-'));
  for (const name of readdirSync(PLUGINS).filter((each) => LOADED.test(each))) symlinkSync(join(PLUGINS, name), join(own, name));
  execFileSync('g++', ['-x', 'c', '-shared', '-fPIC', `-Wl,-soname,${IGD}`, '-o', join(own, IGD), STUB]);
  const env = { ...process.env, GST_PLUGIN_SYSTEM_PATH: own, GST_REGISTRY: join(own, 'registry.bin'), LD_LIBRARY_PATH: own };
  const child = spawn('whip-client', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let over = false;
  const take = (chunk: Buffer): void => void (said = (said + String(chunk)).slice(-100_000));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', (error) => {
      said += String(error);
      resolve(null);
    });
  });
  void ended.then(() => {
    over = true;
    rmSync(own, { recursive: true, force: true });
  });
  return {
    said: () => said,
    ended: () => over,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}
