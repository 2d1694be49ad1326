import type { GatewayReason } from '../../protocol/gateway.ts';
import type { SourceAddress } from '../gateway/address.ts';
import type { Attempt, Way } from '../gateway/attempt.ts';
import { FfmpegProcess } from '../gateway/ffmpeg-process.ts';
import type { AllowedNetworks } from '../gateway/networks.ts';
import { liveOutputs, type Plan, planOf, Probed } from '../gateway/plan.ts';
import { reasonOfExit, SourceRefusal } from '../gateway/reasons.ts';
import { type Feed, openFeed } from './feed.ts';
import { RtspTap } from './tap.ts';

const PROBE_MS = 12_000;
/**
 * How long a picture may have been under way before it is sent, which the hub cannot see. Measured with the time in the
 * picture (test/gateways/gateway-rtsp.test.ts): 0.4 ms through an encoder that holds nothing back, 198 ms through one
 * with three B-frames at 30 pictures a second. What a camera's sensor takes comes on top, and is allowed for.
 */
const CAMERA_MS = 100;
const B_FRAMES_MS = 200;

/** Fetch a camera by RTSP: one connection is looked at, the next one is recorded. */
export function rtspWay(address: SourceAddress, networks: AllowedNetworks): Way {
  return {
    heldMs: ({ video }) => CAMERA_MS + (video?.bFrames ? B_FRAMES_MS : 0),
    record: async (attempt) => {
      const feed = (tap: RtspTap | null): Promise<Feed> => openFeed(address, networks, tap, attempt.signal);
      const plan = await probe(await feed(null), attempt.signal);
      await attempt.begin(plan);
      return record(attempt, plan, feed);
    },
  };
}

async function probe(feed: Feed, signal: AbortSignal): Promise<Plan> {
  const ffprobe = new FfmpegProcess('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', ...feed.args], { signal });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void ffprobe.stop();
  }, PROBE_MS);
  try {
    const text = await ffprobe.output();
    const refusal = feed.refusal();
    if (refusal) throw new SourceRefusal(refusal);
    if (signal.aborted) throw new SourceRefusal('connection-lost');
    if (late) throw new SourceRefusal('timed-out');
    const code = await ffprobe.exited;
    if (code !== 0) throw new SourceRefusal(reasonOfExit(code, ffprobe.words));
    return planOf(Probed.parse(JSON.parse(text)));
  } finally {
    clearTimeout(timer);
    await ffprobe.stop();
    feed.close();
  }
}

async function record(attempt: Attempt, plan: Plan, open: (tap: RtspTap) => Promise<Feed>): Promise<GatewayReason> {
  const { clock, meter } = attempt.owner;
  const tap = new RtspTap(clock, meter, (track) => attempt.addTrack(track, plan));
  const feed = await open(tap);
  const args = ['-v', 'error', '-nostats', '-nostdin', ...feed.args, ...liveOutputs(plan, attempt.targets)];
  const ffmpeg = new FfmpegProcess('ffmpeg', args, { signal: attempt.signal });
  const watch = attempt.watch();
  const code = await ffmpeg.exited;
  clearInterval(watch);
  tap.close();
  feed.close();
  return feed.refusal() ?? reasonOfExit(code, ffmpeg.words);
}
