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
  pages: 'Pages',
  events: 'Events',
  source: 'Source',
  stacks: 'Stacks',
  conflicts: 'Conflicts',
  processes: 'Processes',
  console: 'Console',
  profile: 'Profile',
  timeline: 'Timeline',
  launches: 'Launches',
  scaling: 'Scaling',
} as const;

export type PaneId = keyof typeof PANES;
const PANE_IDS = Object.keys(PANES) as readonly PaneId[];

/** Changes whenever the set of panes does, so that an older arrangement is not taken. */
const LAYOUT_KEY = 'layout.9';

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

/** Adds panes as tabs behind one that is there. */
function addBehind(api: DockviewApi, front: PaneId, ids: readonly PaneId[]): void {
  for (const id of ids) addPane(api, id, within(front), { inactive: true });
}

/** What tells of a run; they share a group in most arrangements. */
const RUN_PANES = [
  'events',
  'timeline',
  'conflicts',
  'processes',
  'console',
  'profile',
  'launches',
  'scaling',
  'log',
] as const;

/** Arrangements to choose from: for stepping one hart, for comparing harts and their pages, for what runs how often. */
export type LayoutName = 'step' | 'harts' | 'pages' | 'profile';

export function applyLayout(api: DockviewApi, name: LayoutName): void {
  api.clear();
  const { width, height } = api;
  const low = Math.round(Math.min(320, Math.max(180, height * 0.34)));
  if (name === 'step') arrangeStep(api, width, height, low);
  else if (name === 'harts') arrangeHarts(api, width, height, low);
  else if (name === 'pages') arrangePages(api, width, low);
  else arrangeProfile(api, width, height);
  api.getPanel('disassembly')?.api.setActive();
}

function arrangeStep(api: DockviewApi, width: number, height: number, low: number): void {
  const left = Math.round(Math.min(300, Math.max(210, width * 0.17)));
  const right = Math.round(Math.min(612, Math.max(410, width * 0.32)));
  addPane(api, 'disassembly');
  addPane(api, 'terminal', below('disassembly'), { initialHeight: low });
  addBehind(api, 'terminal', ['pages', ...RUN_PANES]);
  const memory = Math.round(Math.min(width * 0.5, Math.max(right + 190, 630)));
  addPane(api, 'memory', rightOf('terminal'), { initialWidth: memory });
  addBehind(api, 'disassembly', ['source']);
  addPane(api, 'guests', leftOf('disassembly'), { initialWidth: left });
  addPane(api, 'registers', rightOf('disassembly'), { initialWidth: right });
  const breakpoints = Math.round((height - low) * 0.3);
  addPane(api, 'breakpoints', below('guests'), { initialHeight: breakpoints });
  addBehind(api, 'registers', ['stacks']);
}

function arrangeHarts(api: DockviewApi, width: number, height: number, low: number): void {
  const half = Math.round(width * 0.5);
  addPane(api, 'disassembly');
  addPane(api, 'registers', rightOf('disassembly'), { initialWidth: half });
  addPane(api, 'pages', below('registers'), { initialHeight: Math.round(height * 0.56) });
  addPane(api, 'memory', below('disassembly'), { initialHeight: low });
  addBehind(api, 'memory', ['terminal', ...RUN_PANES]);
  addBehind(api, 'disassembly', ['source', 'guests']);
  addBehind(api, 'registers', ['stacks']);
  addBehind(api, 'memory', ['breakpoints']);
}

function arrangePages(api: DockviewApi, width: number, low: number): void {
  addPane(api, 'disassembly');
  addPane(api, 'pages', leftOf('disassembly'), { initialWidth: Math.round(width * 0.62) });
  addPane(api, 'events', below('pages'), { initialHeight: low });
  addBehind(api, 'events', ['conflicts', 'terminal', 'processes', 'console', 'profile', 'log']);
  addPane(api, 'memory', below('disassembly'), { initialHeight: Math.round(low * 1.4) });
  addBehind(api, 'disassembly', ['source', 'registers', 'guests']);
  addBehind(api, 'memory', ['stacks', 'breakpoints']);
}

function arrangeProfile(api: DockviewApi, width: number, height: number): void {
  addPane(api, 'disassembly');
  addPane(api, 'profile', below('disassembly'), { initialHeight: Math.round(height * 0.55) });
  addPane(api, 'terminal', rightOf('disassembly'), { initialWidth: Math.round(width * 0.4) });
  addBehind(api, 'terminal', ['events', 'timeline', 'console', 'log', 'guests', 'registers']);
  addBehind(api, 'disassembly', ['source']);
  addBehind(api, 'profile', ['launches', 'scaling', 'conflicts', 'pages', 'memory', 'stacks']);
}

const place =
  (direction: string) =>
  (referencePanel: PaneId): object => ({ direction, referencePanel });
const below = place('below');
const within = place('within');
const rightOf = place('right');
const leftOf = place('left');

/** An arrangement in the dock's own words. */
export type Layout = Readonly<Record<string, unknown>>;

export const layoutOf = (api: DockviewApi): Layout => ({ ...api.toJSON() });

/** Puts an arrangement back; false when there is none, or when it does not fit the panes of this version. */
export function takeLayout(api: DockviewApi, layout: Layout | null): boolean {
  if (layout === null || !fits(layout)) return false;
  try {
    api.fromJSON(layout as unknown as Parameters<DockviewApi['fromJSON']>[0]);
    return PANE_IDS.some((id) => api.getPanel(id) !== undefined);
  } catch {
    // Damaged: the first arrangement takes its place.
    return false;
  }
}

/** Whether all panels of an arrangement are panes that there are. */
function fits({ panels }: Layout): boolean {
  if (typeof panels !== 'object' || panels === null) return false;
  return Object.entries(panels as Record<string, { contentComponent?: unknown } | null>).every(
    ([id, panel]) => id in PANES && panel?.contentComponent === id,
  );
}

/** The arrangement that a window starts with: the last one. */
export function keptLayout(): Layout | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(LAYOUT_KEY) ?? 'null');
    return typeof kept === 'object' ? (kept as Layout | null) : null;
  } catch {
    return null;
  }
}

export const keepLayout = (layout: Layout): void =>
  localStorage.setItem(LAYOUT_KEY, JSON.stringify(layout));
