/** Where a key is pressed: in a text field or the guest's terminal it may mean something there. */
export type KeyPlace = 'page' | 'field' | 'terminal';

/** Inputs that no character is typed into. */
const UNTYPED = ['checkbox', 'radio', 'range', 'button', 'submit', 'reset', 'color', 'file'];
/** A list chooses its entry by the characters that are typed. */
const TYPED =
  `input${UNTYPED.map((type) => `:not([type=${type}])`).join('')}, ` +
  'textarea, select, [contenteditable]:not([contenteditable=false]), [data-typing]';

export function placeOfKey(target: EventTarget | null): KeyPlace {
  if (!(target instanceof HTMLElement)) return 'page';
  if (target.closest('[data-typing=terminal]')) return 'terminal';
  return target.matches(TYPED) ? 'field' : 'page';
}
