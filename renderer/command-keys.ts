/** Which command a key press means. */
import { COMMANDS, type Command } from './commands';
import type { KeyPlace } from './key-place';

/** Control characters, such as ^G and ^O, belong to the guest. */
const CONTROL_CHARACTER = /^Ctrl\+[A-Z]$/;

/** The command that a key press means, if any. */
export function commandForKey(event: KeyboardEvent, place: KeyPlace): Command | undefined {
  const pressed = keyOf(event);
  if (place === 'terminal' && CONTROL_CHARACTER.test(pressed)) return undefined;
  return COMMANDS.find(
    ({ key, whenNotTyping }) => key === pressed && (place === 'page' || whenNotTyping !== true),
  );
}

/** A key press in the table's notation. */
export function keyOf(event: KeyboardEvent): string {
  const modifiers = [
    (event.ctrlKey || event.metaKey) && 'Ctrl',
    event.altKey && 'Alt',
    event.shiftKey && 'Shift',
  ].filter((name) => name !== false);
  // With Shift a digit key types another character: its code still says which key it is.
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = digit ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return [...modifiers, key].join('+');
}
