let pressed = false;
document.addEventListener('pointerdown', () => (pressed = true), true);
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => (pressed = false), true);

/** Once what is being pressed has been told: if it moved under the pointer by this, the press would miss it. */
export function afterPress(work: () => void): void {
  if (!pressed) return void setTimeout(work);
  const done = (): void => {
    for (const end of ['pointerup', 'pointercancel']) document.removeEventListener(end, done);
    setTimeout(work);
  };
  for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, done);
}
