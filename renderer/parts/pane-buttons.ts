/** The buttons and check boxes of the panes by name, so that the command palette has an entry for each. */
import { PANES, type PaneId } from '../panes/layout';

interface PaneButton {
  readonly pane: PaneId;
  /** As in `Pages: Show as: Map`. */
  readonly title: string;
  readonly disabled: boolean;
  readonly element: HTMLElement;
}

/** A pane with long lists has more buttons than anybody looks through. */
const MOST_BUTTONS = 500;

const PANE_OF_TITLE = new Map(Object.entries(PANES).map(([id, title]) => [title, id as PaneId]));

/** Those in the page now, pane by pane, but for links, and buttons of commands, which the palette lists itself. */
export function paneButtons(): PaneButton[] {
  const found: PaneButton[] = [];
  for (const pane of document.querySelectorAll<HTMLElement>('section.pane[aria-label]')) {
    const title = pane.getAttribute('aria-label') ?? '';
    const id = PANE_OF_TITLE.get(title as (typeof PANES)[PaneId]);
    if (id === undefined) continue;
    const controls = pane.querySelectorAll<HTMLButtonElement | HTMLInputElement>(
      'button:not([data-verb], .link), input[type=checkbox]',
    );
    for (const element of [...controls].slice(0, MOST_BUTTONS)) {
      const name = [groupOf(element), buttonName(element)].filter((part) => part !== '').join(': ');
      found.push({ pane: id, title: `${title}: ${name}`, disabled: element.disabled, element });
    }
  }
  return found;
}

/** What a screen reader calls a button or check box; empty when it has no name. */
function buttonName(element: HTMLButtonElement | HTMLInputElement): string {
  const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : null;
  const names = [
    element.getAttribute('aria-label'),
    label,
    element.textContent,
    element.getAttribute('title'),
  ];
  const name =
    names.find((each) => each !== null && each !== undefined && each.trim() !== '') ?? '';
  return name.trim().replaceAll(/\s+/g, ' ');
}

/** The name of the choice that a button is one of. */
const groupOf = (element: Element): string =>
  element.closest('[role=radiogroup], [role=group]')?.getAttribute('aria-label') ?? '';
