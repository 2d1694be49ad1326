import { onScopeDispose, ref, type Ref, watch } from 'vue';

/** A size that changes is told when it has stayed the same for so long. */
const SETTLE_MS = 200;

/** How many pixels of the screen an element is high, 0 while it cannot be seen: scrolled away, or its page in the background. */
export function useShownHeight(element: Ref<HTMLElement | null>): Ref<number> {
  const heightPx = ref(0);
  let [cssHeight, inSight] = [0, false];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function settle(): void {
    const shown = inSight && !document.hidden;
    const next = shown ? Math.round(cssHeight * devicePixelRatio) : 0;
    clearTimeout(timer);
    if (heightPx.value === 0 && next > 0)
      heightPx.value = next; // who looks shall not wait
    else timer = setTimeout(() => (heightPx.value = next), SETTLE_MS);
  }
  const size = new ResizeObserver(([entry]) => {
    cssHeight = entry?.contentRect.height ?? 0;
    settle();
  });
  const sight = new IntersectionObserver((entries) => {
    inSight = entries.at(-1)?.isIntersecting ?? false;
    settle();
  });
  watch(
    element,
    (next, before) => {
      if (before) for (const observer of [size, sight]) observer.unobserve(before);
      if (next) for (const observer of [size, sight]) observer.observe(next);
    },
    { immediate: true, flush: 'post' },
  );
  document.addEventListener('visibilitychange', settle);
  onScopeDispose(() => {
    clearTimeout(timer);
    size.disconnect();
    sight.disconnect();
    document.removeEventListener('visibilitychange', settle);
  });
  return heightPx;
}
