import { onScopeDispose, ref, shallowRef } from 'vue';
import type { PictureLines } from '../media/send-plan.ts';

const LINES_KEY = 'fieldhub.lines';

export type CameraProblem = { key: string; params: Record<string, string> };

/** Camera and microphone of this device: open, switch, and open again after an interruption. */
export function useCamera() {
  const stream = shallowRef<MediaStream | null>(null);
  const problem = ref<CameraProblem | null>(null);
  const facing = ref<'environment' | 'user'>('environment');
  const lines = ref<PictureLines>(localStorage.getItem(LINES_KEY) === '1080' ? 1080 : 720);

  /** Whether this page may have a camera at all; says why not. */
  function possible(): boolean {
    problem.value = contextProblem();
    return problem.value === null;
  }

  async function open(): Promise<MediaStream | null> {
    if (!possible()) return null;
    try {
      const next = await navigator.mediaDevices.getUserMedia({
        video: wanted(),
        // the original sound is evidence: nothing is filtered out of it
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: true },
      });
      close();
      stream.value = next;
      return next;
    } catch (error) {
      problem.value = cameraProblem(error);
      return null;
    }
  }

  /** As it is held, upright or sideways: the browser turns the sides. `zoom: true` asks to be told of it, and changes nothing (Image Capture). */
  function wanted(): MediaTrackConstraints {
    const width = { ideal: lines.value === 1080 ? 1920 : 1280 };
    const asked = { facingMode: facing.value, width, height: { ideal: lines.value }, frameRate: { ideal: 30 }, zoom: true };
    return asked;
  }

  /** Phones open one camera at a time: the old track must stop before the new one starts. */
  async function flip(): Promise<MediaStreamTrack | null> {
    const before = facing.value;
    facing.value = before === 'environment' ? 'user' : 'environment';
    return reopenOr(() => (facing.value = before));
  }

  async function setLines(next: PictureLines): Promise<MediaStreamTrack | null> {
    const before = lines.value;
    lines.value = next;
    const track = await reopenOr(() => (lines.value = before));
    localStorage.setItem(LINES_KEY, String(lines.value));
    return track;
  }

  /** What cannot be had must not cost what there was. */
  async function reopenOr(undo: () => void): Promise<MediaStreamTrack | null> {
    const track = await reopenVideo();
    if (track) return track;
    undo();
    return reopenVideo();
  }

  async function reopenVideo(): Promise<MediaStreamTrack | null> {
    const present = stream.value;
    for (const track of present?.getVideoTracks() ?? []) track.stop();
    try {
      const fresh = await navigator.mediaDevices.getUserMedia({
        video: wanted(),
      });
      const [video] = fresh.getVideoTracks();
      if (!video) return null;
      stream.value = new MediaStream([video, ...(present?.getAudioTracks() ?? [])]);
      problem.value = null;
      return video;
    } catch (error) {
      problem.value = cameraProblem(error);
      return null;
    }
  }

  function close(): void {
    for (const track of stream.value?.getTracks() ?? []) track.stop();
    stream.value = null;
  }
  onScopeDispose(close);

  return { stream, problem, lines, setLines, possible, open, flip, reopenVideo, close };
}

/** Why this page cannot have a camera at all. */
function contextProblem(): CameraProblem | null {
  if (!window.isSecureContext) return { key: 'error.insecure', params: {} };
  if (navigator.mediaDevices?.getUserMedia !== undefined) return null;
  return { key: inWeChat() ? 'error.wechat' : 'error.unsupported', params: {} };
}

/** An iPad says it is a Mac, but a Mac has no touch screen. */
const onIos = (): boolean =>
  /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

/** WeChat's own browser gives some phones a camera and others none. */
export const inWeChat = (): boolean => /MicroMessenger/i.test(navigator.userAgent);

function cameraProblem(error: unknown): CameraProblem {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') {
    if (inWeChat()) return { key: 'error.wechat', params: {} };
    return { key: onIos() ? 'error.camera-denied-ios' : 'error.camera-denied', params: {} };
  }
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return { key: 'error.camera-missing', params: {} };
  if (name === 'NotReadableError' || name === 'AbortError') return { key: 'error.camera-busy', params: {} };
  return { key: 'error.camera-failed', params: { why: error instanceof Error ? error.message : String(error) } };
}
