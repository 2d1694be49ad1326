import { nextTick, type Ref } from 'vue';
import { afterPress } from './after-press.ts';

/**
 * A field (`id`) with a list of what was found below it (`isOpen`), both in `root`: the list goes by Escape, and when the
 * field is `left`. What stands in the field's place once something is chosen has its id.
 */
export function usePick(
  root: Readonly<Ref<HTMLElement | null>>,
  { id, isOpen, close, left = close }: { id: string; isOpen: () => boolean; close: () => void; left?: () => void },
) {
  const isIn = (target: EventTarget | null): boolean => root.value?.contains(target as Node | null) ?? false;
  return {
    leave({ relatedTarget }: FocusEvent): void {
      if (isIn(relatedTarget)) return;
      afterPress(() => {
        if (!isIn(document.activeElement)) left();
      });
    },
    escape(event: KeyboardEvent): void {
      if (!isOpen()) return;
      event.preventDefault(); // what is typed stays
      event.stopPropagation();
      document.getElementById(id)?.focus();
      close();
    },
    /** What had the cursor may be gone, as a button of the list is. */
    async focus(): Promise<void> {
      await nextTick();
      document.getElementById(id)?.focus();
    },
    isFocused: (): boolean => isIn(document.activeElement),
  };
}
