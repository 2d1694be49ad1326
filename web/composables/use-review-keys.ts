import { onMounted, onUnmounted } from 'vue';

export type ReviewKeys = {
  toggle: () => void;
  step: (ms: number) => void;
  frame: () => void;
  listen: (index: number) => void;
  mute: () => void;
  fullscreen: () => void;
};

/** The review's keys; the help line lists these and no others. */
export function useReviewKeys(keys: ReviewKeys): void {
  const map: Record<string, () => void> = {
    ' ': keys.toggle,
    ArrowLeft: () => keys.step(-10_000),
    ArrowRight: () => keys.step(10_000),
    ArrowUp: () => keys.step(1000),
    ArrowDown: () => keys.step(-1000),
    '.': keys.frame,
    m: keys.mute,
    f: keys.fullscreen,
  };
  function pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
    if (event.key === ' ' && target.tagName === 'BUTTON') return; // the button's own key
    const action = /^[1-9]$/.test(event.key)
      ? () => keys.listen(Number(event.key) - 1)
      : map[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }
  onMounted(() => window.addEventListener('keydown', pressed));
  onUnmounted(() => window.removeEventListener('keydown', pressed));
}
