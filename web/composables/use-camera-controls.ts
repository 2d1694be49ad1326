import { onScopeDispose, ref, shallowRef, watch, type ShallowRef } from 'vue';
import { controlsOf, type Zoom } from './camera-abilities.ts';

/** Some phones tell of torch and zoom only when the camera has been running for a while. */
const ASK_AGAIN_MS = 700;

type ExtraSettings = { torch?: boolean; zoom?: number };

/** Torch and zoom of the camera that films now. Each camera is asked anew, and what was set is set again when it comes back. */
export function useCameraControls(stream: ShallowRef<MediaStream | null>) {
  const torch = ref<boolean | null>(null);
  const zoom = shallowRef<Zoom | null>(null);
  const zoomed = ref(1);
  let track: MediaStreamTrack | null = null;
  let later: ReturnType<typeof setTimeout> | undefined;

  async function apply(wanted: ExtraSettings): Promise<boolean> {
    return (
      track?.applyConstraints({ advanced: [wanted as MediaTrackConstraintSet] }).then(
        () => true,
        () => false, // the camera has other ideas: what it does shows
      ) ?? false
    );
  }
  async function setTorch(on: boolean): Promise<void> {
    if (await apply({ torch: on })) torch.value = on;
  }
  async function setZoom(to: number): Promise<void> {
    if (!zoom.value) return;
    zoomed.value = Math.min(zoom.value.max, Math.max(zoom.value.min, to));
    await apply({ zoom: zoomed.value });
  }
  /** Phones forget both over a call. */
  const again = (): void => {
    if (torch.value) void apply({ torch: true });
    if (zoom.value && zoomed.value !== zoom.value.min) void apply({ zoom: zoomed.value });
  };

  /** What it can do now; what it could before stays as it was set. */
  function ask(): void {
    const can = controlsOf(track?.getCapabilities?.() ?? {});
    if (can.torch) torch.value ??= false;
    if (!can.zoom || zoom.value) return;
    zoom.value = can.zoom;
    zoomed.value = track?.getSettings().zoom ?? can.zoom.min;
  }

  watch(
    stream,
    (next) => {
      track?.removeEventListener('unmute', again);
      track = next?.getVideoTracks()[0] ?? null;
      track?.addEventListener('unmute', again);
      torch.value = null;
      zoom.value = null;
      ask();
      clearTimeout(later);
      later = setTimeout(ask, ASK_AGAIN_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearTimeout(later);
    track?.removeEventListener('unmute', again);
  });

  return { torch, zoom, zoomed, setTorch, setZoom };
}
