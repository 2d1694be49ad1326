/** What browsers add to the standard's capabilities and constraints (Image Capture). */
type Extra = { torch?: boolean; zoom?: { min: number; max: number; step?: number } };
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
