import { onScopeDispose, ref, shallowRef } from 'vue';

export type CameraProblem = { key: string; params: Record<string, string> };

/** Camera and microphone of this device: open, switch, and open again after an interruption. */
export function useCamera() {
  const stream = shallowRef<MediaStream | null>(null);
  const problem = ref<CameraProblem | null>(null);
  const facing = ref<'environment' | 'user'>('environment');

  /** Whether this page may have a camera at all; says why not. */
  function possible(): boolean {
    problem.value = contextProblem();
    return problem.value === null;
  }

  async function open(): Promise<MediaStream | null> {
    if (!possible()) return null;
    try {
      const next = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: facing.value, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
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

  /** Phones open one camera at a time: the old track must stop before the new one starts. */
  async function flip(): Promise<MediaStreamTrack | null> {
    facing.value = facing.value === 'environment' ? 'user' : 'environment';
    return reopenVideo();
  }

  async function reopenVideo(): Promise<MediaStreamTrack | null> {
    const present = stream.value;
    for (const track of present?.getVideoTracks() ?? []) track.stop();
    try {
      const fresh = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: facing.value, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
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

  return { stream, problem, possible, open, flip, reopenVideo, close };
}

/** Why this page cannot have a camera at all. */
function contextProblem(): CameraProblem | null {
  if (!window.isSecureContext) return { key: 'error.insecure', params: {} };
  if (navigator.mediaDevices?.getUserMedia !== undefined) return null;
  return { key: inWeChat() ? 'error.wechat' : 'error.unsupported', params: {} };
}

/** WeChat's own browser gives some phones a camera and others none. */
export const inWeChat = (): boolean => /MicroMessenger/i.test(navigator.userAgent);

function cameraProblem(error: unknown): CameraProblem {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return { key: inWeChat() ? 'error.wechat' : 'error.camera-denied', params: {} };
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return { key: 'error.camera-missing', params: {} };
  if (name === 'NotReadableError' || name === 'AbortError') return { key: 'error.camera-busy', params: {} };
  return { key: 'error.camera-failed', params: { why: error instanceof Error ? error.message : String(error) } };
}
