import { onBeforeUnmount, shallowRef, type ShallowRef } from 'vue';
import type { DisassembledLine, InstructionHelp } from '../../../emulator/debug/protocol';
import { useMachine } from '../../stores/machine';
import type { WhileOpen } from '../while-open';

/** The mouse rests this long on a mnemonic before its help shows, in milliseconds. */
const HOVER_MS = 350;
/** Room that a card needs, in pixels. */
const CARD_HEIGHT = 220;
const CARD_WIDTH = 480;

/** The instruction whose help is shown, and where on the screen. */
interface ShownCard {
  readonly line: DisassembledLine;
  readonly help: InstructionHelp | null;
  readonly x: number;
  readonly y: number;
  /** There is no room below the line. */
  readonly above: boolean;
}

/** The help on the instruction under the mouse, or the cursor's. */
export function useInstructionCard(whileOpen: WhileOpen): {
  readonly card: Readonly<ShallowRef<ShownCard | null>>;
  /** The mouse is over a mnemonic: its help is shown after a while. */
  readonly hover: (line: DisassembledLine, event: MouseEvent) => void;
  /** Shows the help beside a place on the screen. */
  readonly showCard: (line: DisassembledLine, place: DOMRect) => Promise<void>;
  readonly hideCard: () => void;
} {
  const machine = useMachine();
  const card = shallowRef<ShownCard | null>(null);
  let hovering: ReturnType<typeof setTimeout> | undefined;

  function hover(line: DisassembledLine, { currentTarget }: MouseEvent): void {
    clearTimeout(hovering);
    const box = (currentTarget as HTMLElement).getBoundingClientRect();
    hovering = setTimeout(() => void showCard(line, box), HOVER_MS);
  }

  async function showCard(line: DisassembledLine, { left, bottom, top }: DOMRect): Promise<void> {
    await whileOpen(async () => {
      const help = await machine.requests().explain(line.address, machine.focusHart);
      const below = bottom + CARD_HEIGHT < window.innerHeight;
      card.value = {
        line,
        help,
        x: Math.min(left, window.innerWidth - CARD_WIDTH),
        y: below ? bottom + 2 : top - 2,
        above: !below,
      };
    });
  }

  function hideCard(): void {
    clearTimeout(hovering);
    card.value = null;
  }

  onBeforeUnmount(hideCard);
  return { card, hover, showCard, hideCard };
}
