import type { DockviewApi } from 'dockview-vue';
import { defineStore } from 'pinia';
import { nextTick, ref, shallowRef } from 'vue';
import type { Theme } from '../../preload/api';
import {
  addPane,
  applyLayout,
  keepLayout,
  keptLayout,
  layoutOf,
  takeLayout,
  type Layout,
  type LayoutName,
  type PaneId,
} from '../panes/layout';
import { useSources } from './sources';

/** A request to a pane to show a place; a new object each time, so that the same place can be asked for twice. */
export interface PlaceRequest {
  readonly address: number;
}

/** As `PlaceRequest`, for a line of a source file. */
export interface LineRequest {
  readonly path: string;
  readonly line: number;
}

/** What a pane does when the window wants its attention. */
export type PaneAction =
  'focus' | 'search' | 'save' | 'clear' | 'add' | 'explain' | 'go-to' | 'watch';

const nextFrame = (): Promise<unknown> =>
  new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/** How the window is arranged and what it points at. */
export const useView = defineStore('view', () => {
  const theme = ref<Theme>('system');
  const palette = ref<'closed' | 'commands' | 'places'>('closed');
  /** Address of the Disassembly pane's cursor: run to cursor and toggle breakpoint mean it. */
  const cursor = ref<number | null>(null);
  /** The line of the Source pane's cursor. */
  const sourceCursor = shallowRef<LineRequest | null>(null);
  /** Counts have a column for each hart instead of one for the focused hart. */
  const hartColumns = ref(false);
  /** Which of the two panes with a cursor had the keyboard last: its cursor is meant. */
  const cursorPane = ref<'source' | 'disassembly'>('disassembly');
  const sourcePlace = shallowRef<LineRequest | null>(null);
  const disassemblyPlace = shallowRef<PlaceRequest | null>(null);
  const pagesPlace = shallowRef<PlaceRequest | null>(null);
  const memoryPlace = shallowRef<PlaceRequest | null>(null);
  const actions = new Map<PaneId, (action: PaneAction) => void>();
  /** How the panes stand, in the dock's words; null until the dock is there. */
  const layout = shallowRef<Layout | null>(null);
  /** Panes that stand behind others of their group. */
  const behind = shallowRef<ReadonlySet<string>>(new Set());
  let dock: DockviewApi | null = null;

  function dockReady(api: DockviewApi): void {
    dock = api;
    const look = (): void => {
      const hidden = api.panels.filter((panel) => !panel.api.isVisible).map(({ id }) => id);
      const isSame =
        hidden.length === behind.value.size && hidden.every((id) => behind.value.has(id));
      if (!isSame) behind.value = new Set(hidden);
    };
    api.onDidAddPanel((panel) => panel.api.onDidVisibilityChange(look));
    if (!takeLayout(api, keptLayout())) applyLayout(api, 'step');
    look();
    api.onDidLayoutChange(() => {
      look();
      layout.value = layoutOf(api);
      keepLayout(layout.value);
    });
  }

  /** Whether a pane is at the front of its group. */
  const isInSight = (pane: PaneId): boolean => !behind.value.has(pane);

  /** Arranges the panes as they were; an arrangement that does not fit this version is left. */
  function rearrange(kept: Layout): void {
    if (dock === null || JSON.stringify(kept) === JSON.stringify(layoutOf(dock))) return;
    if (!takeLayout(dock, kept)) applyLayout(dock, 'step');
  }

  function arrange(name: LayoutName): void {
    if (dock) applyLayout(dock, name);
  }

  /** Brings a pane to the front and asks something of it. */
  async function show(pane: PaneId, action: PaneAction = 'focus'): Promise<void> {
    await bringUp(pane);
    actions.get(pane)?.(action);
  }

  /** Brings a pane to the front; one that was closed opens again. */
  async function bringUp(pane: PaneId): Promise<void> {
    if (dock === null) return;
    const panel = dock.getPanel(pane);
    if (panel) {
      const wasHidden = !panel.api.isVisible;
      panel.api.setActive();
      // What is hidden cannot take the focus: the dock shows it with the next frame.
      if (wasHidden) await nextFrame();
    } else {
      addPane(dock, pane);
      await nextTick();
    }
  }

  /** A pane says what it can be asked; the result takes that back. */
  function answer(pane: PaneId, act: (action: PaneAction) => void): () => void {
    actions.set(pane, act);
    return () => {
      if (actions.get(pane) === act) actions.delete(pane);
    };
  }

  async function showCode(address: number): Promise<void> {
    await bringUp('disassembly');
    disassemblyPlace.value = { address };
  }

  /** Shows a line of a source file. */
  async function showSource(path: string, line: number): Promise<void> {
    await bringUp('source');
    sourcePlace.value = { path, line };
  }

  /** Shows the source line that an instruction is of, or where none is known the instruction. */
  async function showLine(address: number): Promise<void> {
    const line = await useSources().lineAt(address);
    if (line === null) return showCode(address);
    disassemblyPlace.value = { address };
    await showSource(line.path, line.line);
  }

  async function showMemory(address: number): Promise<void> {
    await bringUp('memory');
    memoryPlace.value = { address };
  }

  /** Shows an address in the Pages pane. */
  async function showPage(address: number): Promise<void> {
    await bringUp('pages');
    pagesPlace.value = { address };
  }

  async function setTheme(next: Theme): Promise<void> {
    theme.value = next;
    await window.hartscope.setTheme(next);
  }

  return {
    theme,
    palette,
    cursor,
    sourceCursor,
    hartColumns,
    cursorPane,
    sourcePlace,
    disassemblyPlace,
    memoryPlace,
    pagesPlace,
    dockReady,
    isInSight,
    layout,
    arrange,
    rearrange,
    show,
    answer,
    showCode,
    showSource,
    showLine,
    showMemory,
    showPage,
    setTheme,
  };
});
