import { onScopeDispose, shallowRef, watch } from 'vue';
import type { Talk } from '../../server/protocol/http.ts';
import { Ear } from '../media/ear.ts';
import type { CaptureLine } from './use-capture-marks.ts';

/** What a commander says, heard on this phone; `talk` is who speaks now, to whom. */
export function useEar({ channel, joinedNotes }: CaptureLine) {
  const talk = shallowRef<Talk | null>(null);
  let ear: Ear | null = null;
  /** One thing after the other: begin, end and joining anew may come together. */
  let work: Promise<void> = Promise.resolve();
  const next = (step: () => Promise<void> | void): void => {
    work = work.then(step).catch((error: unknown) => console.warn('talk not heard', error));
  };

  function hear(told: Talk | null): void {
    const before = talk.value?.talkId;
    talk.value = told;
    if (told?.talkId === before) return;
    const mine = ear;
    if (told) navigator.vibrate?.(60);
    next(() => (told ? mine?.listen() : mine?.hush()));
  }

  watch(
    channel,
    (made) => {
      ear?.close();
      ear = made ? new Ear(made) : null;
      talk.value = null;
      made?.on('talk', (told) => hear(told.talk));
    },
    { immediate: true, flush: 'sync' },
  );
  // joined anew: somebody may be speaking already, and what was heard before may be gone
  watch(
    joinedNotes,
    ({ rtpCapabilities, talk: told }) => {
      const mine = ear;
      if (!rtpCapabilities || !mine) return;
      talk.value = null;
      next(() => mine.load(rtpCapabilities));
      hear(told);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    ear?.close();
    ear = null; // what the hub still tells is for others
  });
  return { talk };
}
