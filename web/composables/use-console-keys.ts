import { onMounted, onUnmounted } from 'vue';

/** The live console's keys, but not while somebody types or a dialog is open. */
export function useConsoleKeys(down: Record<string, () => void>, up: Record<string, () => void> = {}): void {
  const free = (event: KeyboardEvent): boolean => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return false;
    if (event.key === ' ' && target.tagName === 'BUTTON') return false; // the button's own key
    return document.querySelector('.el-overlay:not([style*="display: none"])') === null;
  };
  const act = (keys: Record<string, () => void>, always: boolean) => (event: KeyboardEvent) => {
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (!always && (event.repeat || !free(event)))) return;
    event.preventDefault();
    action();
  };
  const pressed = act(down, false);
  const released = act(up, true);
  onMounted(() => {
    window.addEventListener('keydown', pressed);
    window.addEventListener('keyup', released);
  });
  onUnmounted(() => {
    window.removeEventListener('keydown', pressed);
    window.removeEventListener('keyup', released);
  });
}
