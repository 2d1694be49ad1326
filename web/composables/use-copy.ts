import { ref } from 'vue';

/** Texts are copied; one that the browser does not copy is selected where it is shown, to be copied by hand. */
export function useCopy() {
  /** The text that was. */
  const copied = ref('');
  /** The one that was not. */
  const refused = ref('');
  async function copy(text: string, shown: HTMLElement | null | undefined): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      copied.value = text;
      refused.value = '';
    } catch {
      copied.value = '';
      refused.value = text;
      if (shown instanceof HTMLInputElement) shown.select();
      else if (shown) getSelection()?.selectAllChildren(shown);
    }
  }
  /** `copies`: there is no clipboard on a page without HTTPS. */
  return { copied, refused, copy, copies: 'clipboard' in navigator };
}
