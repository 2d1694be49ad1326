import { onScopeDispose, ref, shallowRef, watch, type ShallowRef } from 'vue';

/** What browsers add to the standard's capabilities and constraints (Image Capture). */
type Extra = { torch?: boolean; zoom?: { min: number; max: number; step?: number } };
type ExtraSettings = { torch?: boolean; zoom?: number };
export type Zoom = { min: number; max: number; step: number };

/** What this camera can do, by its own word. `torch` is a list of what it may be set to in the standard's older form. */
export function controlsOf(capabilities: object): { torch: boolean; zoom: Zoom | null } {
  const { torch, zoom } = capabilities as Extra;
  const usable = zoom !== undefined && zoom.max > zoom.min;
  return {
    torch: Array.isArray(torch) ? torch.includes(true) : torch === true,
    zoom: usable ? { min: zoom.min, max: zoom.max, step: zoom.step && zoom.step > 0 ? zoom.step : (zoom.max - zoom.min) / 100 } : null,
  };
}

/** Torch and zoom of the camera that films now. Each camera is asked anew, and what was set is set again when it comes back. */
export function useCameraControls(stream: ShallowRef<MediaStream | null>) {
  const torch = ref<boolean | null>(null);
  const zoom = shallowRef<Zoom | null>(null);
  const zoomed = ref(1);
  let track: MediaStreamTrack | null = null;

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

  watch(
    stream,
    (next) => {
      track?.removeEventListener('unmute', again);
      track = next?.getVideoTracks()[0] ?? null;
      track?.addEventListener('unmute', again);
      const can = controlsOf(track?.getCapabilities?.() ?? {});
      torch.value = can.torch ? false : null;
      zoom.value = can.zoom;
      zoomed.value = (track?.getSettings() as ExtraSettings | undefined)?.zoom ?? can.zoom?.min ?? 1;
    },
    { immediate: true },
  );
  onScopeDispose(() => track?.removeEventListener('unmute', again));

  return { torch, zoom, zoomed, setTorch, setZoom };
}
