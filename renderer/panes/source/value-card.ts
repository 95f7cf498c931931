import { onBeforeUnmount, shallowRef, type ShallowRef } from 'vue';
import type { VariableInfo } from '../../../emulator/debug/protocol-source';
import { useMachine } from '../../stores/machine';
import { useStack } from '../../stores/stack';
import { expressionAt } from './source-colours';

/** The mouse rests this long on a name before its value shows, in milliseconds. */
const HOVER_MS = 300;
/** Width of the card and what lies around it, in pixels. */
const CARD_WIDTH = 420;
/** Of a line's text, on the right, in pixels. */
const PADDING = 16;

/** A value, and where on the screen it is shown. */
interface ValueCard {
  readonly value: VariableInfo;
  readonly x: number;
  readonly y: number;
}

/**
 * The value of the name under the mouse.
 * @param lineText the text of a line, by its number
 */
export function useValueCard(lineText: (number: number) => string): {
  readonly card: Readonly<ShallowRef<ValueCard | null>>;
  /** The mouse is over a line's text: the value of the name under it is shown after a while. */
  readonly hover: (event: MouseEvent, number: number) => void;
  readonly hideCard: () => void;
} {
  const machine = useMachine();
  const stack = useStack();
  const card = shallowRef<ValueCard | null>(null);
  let hovering: ReturnType<typeof setTimeout> | undefined;

  function hover({ target, clientX }: MouseEvent, number: number): void {
    clearTimeout(hovering);
    const element = (target as HTMLElement).closest<HTMLElement>('[data-text]');
    if (!element || machine.busy) return;
    const line = lineText(number);
    const expression = expressionAt(line, columnAt(element, clientX, line));
    if (expression === null) return hideCard();
    const { bottom } = element.getBoundingClientRect();
    hovering = setTimeout(() => void showValue(expression, clientX, bottom), HOVER_MS);
  }

  async function showValue(expression: string, x: number, y: number): Promise<void> {
    if (machine.phase !== 'open' || machine.busy) return;
    const value = await machine
      .requests()
      .evaluateInFrame(expression, machine.focusHart, stack.frame)
      // Not every name is one of a variable: nothing shows then.
      .catch(() => null);
    card.value = value && { value, x: Math.min(x, window.innerWidth - CARD_WIDTH), y: y + 2 };
  }

  function hideCard(): void {
    clearTimeout(hovering);
    card.value = null;
  }

  onBeforeUnmount(hideCard);
  return { card, hover, hideCard };
}

/** Which character of a line lies at a place on the screen: all are equally wide, tabs go to every fourth. */
function columnAt(element: HTMLElement, x: number, line: string): number {
  const { left, width } = element.getBoundingClientRect();
  const expanded = [...line].reduce((sum, c) => (c === '\t' ? sum + 4 - (sum % 4) : sum + 1), 0);
  const wanted = Math.floor(((x - left) / Math.max(1, width - PADDING)) * expanded);
  let at = 0;
  for (let index = 0; index < line.length; index++) {
    at = line[index] === '\t' ? at + 4 - (at % 4) : at + 1;
    if (at > wanted) return index;
  }
  return line.length;
}
