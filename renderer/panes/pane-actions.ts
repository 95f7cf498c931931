import { onBeforeUnmount, onMounted, useTemplateRef, type ShallowRef } from 'vue';
import { useView, type PaneAction } from '../stores/view';
import type { PaneId } from './layout';

type Actions = Partial<Record<PaneAction, (root: HTMLElement) => void>>;

/** Lets commands ask something of a pane; the pane's element is the template's `ref="root"`. */
export function usePaneActions(
  pane: PaneId,
  actions: Actions,
): Readonly<ShallowRef<HTMLElement | null>> {
  const root = useTemplateRef<HTMLElement>('root');
  const view = useView();
  let forget: () => void;
  onMounted(() => {
    forget = view.answer(pane, (action) => {
      if (root.value === null) throw new Error(`The ${pane} pane has no element named root.`);
      actions[action]?.(root.value);
      if (action === 'focus') takeFocus(root.value);
    });
  });
  onBeforeUnmount(() => forget());
  return root;
}

/** A pane that has nothing to choose from, an empty one, takes the keyboard itself. */
function takeFocus(pane: HTMLElement): void {
  if (pane.contains(document.activeElement)) return;
  pane.tabIndex = -1;
  pane.focus();
}
