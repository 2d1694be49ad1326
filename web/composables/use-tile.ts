import { computed, onScopeDispose, ref, type Ref, watch } from 'vue';

/** A picture that has not changed for so long is not live. */
const FROZEN_MS = 2000;

/**
 * Plays a stream in a video element: keeps the last picture (drawn to the canvas) until the new stream's first frame,
 * and knows since when no new frame has come.
 */
export function useTile(
  video: Ref<HTMLVideoElement | null>,
  canvas: Ref<HTMLCanvasElement | null>,
  stream: () => MediaStream | undefined,
  nowMs: Ref<number>,
) {
  const lastFrameMs = ref<number | null>(null);
  const covered = ref(false);
  let handle = 0;

  function frame(element: HTMLVideoElement): void {
    handle = element.requestVideoFrameCallback(() => {
      lastFrameMs.value = nowMs.value;
      covered.value = false;
      frame(element);
    });
  }

  function cover(element: HTMLVideoElement): void {
    const target = canvas.value;
    if (!target || element.videoWidth === 0) return;
    target.width = element.videoWidth;
    target.height = element.videoHeight;
    target.getContext('2d')?.drawImage(element, 0, 0);
    covered.value = true;
  }

  watch(
    [video, stream],
    ([element, next]) => {
      if (!element || !next || element.srcObject === next) return;
      cover(element);
      element.cancelVideoFrameCallback(handle);
      element.srcObject = next;
      element.play().catch(() => undefined); // muted video plays; a refusal shows as no frame
      frame(element);
    },
    { immediate: true, flush: 'post' },
  );
  onScopeDispose(() => video.value?.cancelVideoFrameCallback(handle));

  const frozen = computed(() => lastFrameMs.value !== null && nowMs.value - lastFrameMs.value > FROZEN_MS);
  return { lastFrameMs, covered, frozen };
}
