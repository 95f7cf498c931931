/** Which panes there are, where they stand at first, and how their arrangement is kept. */
import type { DockviewApi } from 'dockview-vue';

export const PANES = {
  guests: 'Guests',
  disassembly: 'Disassembly',
  registers: 'Registers',
  memory: 'Memory',
  breakpoints: 'Breakpoints',
  terminal: 'Terminal',
  log: 'Log',
} as const;

export type PaneId = keyof typeof PANES;
const PANE_IDS = Object.keys(PANES) as readonly PaneId[];

/** Changes whenever the set of panes does, so that an older arrangement is not taken. */
const LAYOUT_KEY = 'layout.1';

/** Adds a pane: as a tab of the active group, or where `position` and `size` say. */
export function addPane(api: DockviewApi, id: PaneId, position?: object, size?: object): void {
  api.addPanel({
    id,
    component: id,
    title: PANES[id],
    // A hidden pane keeps its place (scroll positions, the terminal's screen).
    renderer: 'always',
    ...(position ? { position } : {}),
    ...size,
  } as Parameters<DockviewApi['addPanel']>[0]);
}

export function applyDefaultLayout(api: DockviewApi): void {
  api.clear();
  const { width, height } = api;
  const add = (id: PaneId, position?: object, size?: object): void =>
    addPane(api, id, position, size);
  const low = Math.round(Math.min(320, Math.max(180, height * 0.34)));
  const left = Math.round(Math.min(300, Math.max(210, width * 0.17)));
  const right = Math.round(Math.min(612, Math.max(410, width * 0.32)));
  add('disassembly');
  add('terminal', { direction: 'below', referencePanel: 'disassembly' }, { initialHeight: low });
  add('log', { direction: 'within', referencePanel: 'terminal' }, { inactive: true });
  add(
    'memory',
    { direction: 'right', referencePanel: 'terminal' },
    {
      initialWidth: Math.round(Math.min(width * 0.5, Math.max(right + 190, 630))),
    },
  );
  add('guests', { direction: 'left', referencePanel: 'disassembly' }, { initialWidth: left });
  add('registers', { direction: 'right', referencePanel: 'disassembly' }, { initialWidth: right });
  add(
    'breakpoints',
    { direction: 'below', referencePanel: 'guests' },
    {
      initialHeight: Math.round((height - low) * 0.3),
    },
  );
  api.getPanel('disassembly')?.api.setActive();
}

/** Puts the kept arrangement back; false when there is none that fits. */
export function restoreLayout(api: DockviewApi): boolean {
  const kept = localStorage.getItem(LAYOUT_KEY);
  if (kept === null) return false;
  try {
    api.fromJSON(JSON.parse(kept) as Parameters<DockviewApi['fromJSON']>[0]);
    return PANE_IDS.some((id) => api.getPanel(id) !== undefined);
  } catch {
    // Damaged, or from another version: the first arrangement takes its place.
    return false;
  }
}

export function saveLayout(api: DockviewApi): void {
  localStorage.setItem(LAYOUT_KEY, JSON.stringify(api.toJSON()));
}
