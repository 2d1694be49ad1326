import { computed, onScopeDispose, ref, type Ref, watch } from 'vue';

/** A picture that has not changed for so long is not live. */
const FROZEN_MS = 2000;
/** How often the picture is kept, for when the stream is gone and the element turns black. */
const KEEP_MS = 500;

/**
 * Plays a stream in a video element: shows the last picture kept (on the canvas) from the end of one stream until the
 * first frame of the next, and knows since when no new frame has come.
 */
export function useTile(
  video: Ref<HTMLVideoElement | null>,
  canvas: Ref<HTMLCanvasElement | null>,
  stream: () => MediaStream | undefined,
  nowMs: Ref<number>,
  shown: () => boolean,
) {
  const lastFrameMs = ref<number | null>(null);
  const covered = ref(false);
  let handle = 0;
  let keptMs = 0;

  function frame(element: HTMLVideoElement): void {
    handle = element.requestVideoFrameCallback(() => {
      frame(element);
      // a track that has ended leaves one more frame, which is black
      if (
        !stream()
          ?.getVideoTracks()
          .some((track) => track.readyState === 'live')
      )
        return;
      lastFrameMs.value = nowMs.value;
      covered.value = false;
      if (performance.now() - keptMs > KEEP_MS) keep(element);
    });
  }

  function keep(element: HTMLVideoElement): void {
    const target = canvas.value;
    if (!target || element.videoWidth === 0) return;
    if (target.width !== element.videoWidth) target.width = element.videoWidth;
    if (target.height !== element.videoHeight) target.height = element.videoHeight;
    target.getContext('2d')?.drawImage(element, 0, 0);
    keptMs = performance.now();
  }

  watch(
    [video, stream],
    ([element, next]) => {
      if (!element || element.srcObject === next) return;
      covered.value = keptMs > 0;
      if (!next) return;
      element.cancelVideoFrameCallback(handle);
      element.srcObject = next;
      element.play().catch(() => undefined); // muted video plays; a refusal shows as no frame
      frame(element);
    },
    { immediate: true, flush: 'post' },
  );
  onScopeDispose(() => video.value?.cancelVideoFrameCallback(handle));

  /** What cannot be seen is not sent: its next picture may take as long as any other. */
  const shownSinceMs = ref(0);
  watch(shown, (is) => (shownSinceMs.value = is ? nowMs.value : Infinity), { immediate: true });
  const frozen = computed(() => lastFrameMs.value !== null && nowMs.value - Math.max(lastFrameMs.value, shownSinceMs.value) > FROZEN_MS);
  return { lastFrameMs, covered, frozen };
}
