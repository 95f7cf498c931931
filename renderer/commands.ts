/**
 * Every verb of the window, with its key: the toolbar, the command palette, the application menu and
 * the keyboard all come from this one table.
 */
import type { MenuEntry } from '../preload/api';
import { PANES, type PaneId } from './panes/layout';
import { useFolders } from './stores/folders';
import { useInstructionNames } from './stores/instruction-names';
import { useOneHart } from './stores/one-hart';
import { hasCursor } from './cursor';
import { STEP_COMMANDS } from './step-commands';
import type { useLog } from './stores/log';
import type { useMachine } from './stores/machine';
import type { usePrograms } from './stores/programs';
import type { useView } from './stores/view';

/** What commands act on. */
export interface Workbench {
  readonly machine: ReturnType<typeof useMachine>;
  readonly programs: ReturnType<typeof usePrograms>;
  readonly view: ReturnType<typeof useView>;
  readonly log: ReturnType<typeof useLog>;
}

export interface Command {
  readonly id: string;
  readonly title: string;
  /** In Electron's notation: `Ctrl+Shift+F5`. */
  readonly key?: string;
  /** The key means this only where it types nothing: outside text fields and the terminal. */
  readonly whenNotTyping?: boolean;
  /** Codicon name without its prefix. */
  readonly icon?: string;
  readonly menu?: MenuEntry['menu'];
  readonly separated?: boolean;
  readonly enabled?: (bench: Workbench) => boolean;
  readonly run: (bench: Workbench) => unknown;
}

const ready = ({ machine }: Workbench): boolean => machine.ready;
const open = ({ machine }: Workbench): boolean => machine.phase === 'open';

/** Ctrl+1 … 9 for the first nine panes, Alt+1 … 9 for those after them. */
const paneKey = (index: number): string => (index < 9 ? `Ctrl+${index + 1}` : `Alt+${index - 8}`);

const paneCommands = Object.entries(PANES).map(([pane, title], index): Command => ({
  id: `show.${pane}`,
  title: `Show ${title}`,
  key: paneKey(index),
  menu: 'View',
  run: ({ view }) => view.show(pane as PaneId),
}));

const hartCommands = Array.from({ length: 10 }, (_, id): Command => ({
  id: `hart.${id}`,
  title: `Focus hart ${id}`,
  key: String(id),
  whenNotTyping: true,
  enabled: ({ machine }) => machine.state?.harts.some((hart) => hart.id === id) ?? false,
  run: ({ machine }) => (machine.focusHart = id),
}));

export const COMMANDS = [
  {
    id: 'run',
    title: 'Run',
    key: 'F5',
    icon: 'debug-continue',
    menu: 'Run',
    enabled: ready,
    run: ({ machine }) => machine.resume((guest) => guest.run()),
  },
  {
    id: 'pause',
    title: 'Pause',
    key: 'F6',
    icon: 'debug-pause',
    menu: 'Run',
    enabled: ({ machine }) => machine.canPause(),
    run: ({ machine }) => machine.requests().pause(),
  },
  ...STEP_COMMANDS,
  {
    id: 'breakpoint.toggle',
    title: 'Toggle breakpoint at cursor',
    key: 'F9',
    icon: 'debug-breakpoint',
    menu: 'Run',
    separated: true,
    enabled: (bench) => open(bench) && hasCursor(bench),
    run: ({ machine, view }) => {
      if (view.cursorPane === 'source' && view.sourceCursor !== null) {
        return machine.toggleLine(view.sourceCursor.path, view.sourceCursor.line);
      }
      if (view.cursor !== null) return machine.toggleBreakpoint(view.cursor);
    },
  },
  {
    id: 'breakpoint.add',
    title: 'Add breakpoint…',
    key: 'Ctrl+Shift+B',
    icon: 'add',
    menu: 'Run',
    run: ({ view }) => view.show('breakpoints', 'add'),
  },
  {
    id: 'pc.set',
    title: 'Set pc to cursor',
    key: 'Alt+Shift+J',
    menu: 'Run',
    enabled: (bench) => ready(bench) && bench.view.cursor !== null,
    run: ({ machine, view }) => {
      if (view.cursor !== null) return machine.setPc(view.cursor);
    },
  },
  {
    id: 'restart',
    title: 'Restart',
    key: 'Ctrl+Shift+F5',
    icon: 'debug-restart',
    menu: 'Run',
    separated: true,
    enabled: ({ machine }) => machine.program !== null && machine.phase !== 'opening',
    run: ({ machine }) => machine.restart(),
  },
  {
    id: 'raceCheck',
    title: 'Race check on or off at the next start',
    key: 'Ctrl+Shift+R',
    icon: 'git-compare',
    menu: 'Run',
    run: async ({ machine, log }) => {
      await machine.checkRaces(!machine.raceCheck);
      const state = machine.raceCheck ? 'on' : 'off';
      log.add(`The race check will be ${state} when the program starts again.`, 'info');
    },
  },
  {
    id: 'counting',
    title: 'Count instructions or not at the next start',
    key: 'Alt+Shift+C',
    icon: 'flame',
    menu: 'Run',
    run: async ({ machine, log }) => {
      await machine.countInstructions(!machine.counting);
      const state = machine.counting ? 'counted' : 'not counted';
      log.add(`Instructions will be ${state} when the program starts again.`, 'info');
    },
  },
  {
    id: 'sampling',
    title: 'Sample call stacks by host time, or not',
    key: 'Alt+Shift+H',
    icon: 'watch',
    menu: 'Run',
    run: async ({ machine, log }) => {
      await machine.sampleTime(!machine.sampling);
      log.add(`Call stacks are ${machine.sampling ? '' : 'no longer '}sampled.`, 'info');
    },
  },
  {
    id: 'one-hart',
    title: 'Measure launches against a run on one vCPU',
    key: 'Alt+Shift+O',
    icon: 'graph-line',
    menu: 'Run',
    enabled: open,
    run: async ({ view }) => {
      await view.show('launches');
      await useOneHart().start();
    },
  },
  {
    id: 'hart-columns',
    title: 'Counts of each hart side by side, or of the focused one',
    key: 'Alt+Shift+E',
    icon: 'split-horizontal',
    menu: 'Run',
    run: ({ view }) => {
      view.hartColumns = !view.hartColumns;
    },
  },
  {
    id: 'stop',
    title: 'Stop',
    key: 'Shift+F5',
    icon: 'debug-stop',
    menu: 'Run',
    enabled: ({ machine }) => machine.phase === 'open' || machine.phase === 'opening',
    run: ({ machine }) => machine.close(),
  },
  {
    id: 'file.open',
    title: 'Open program…',
    key: 'Ctrl+O',
    icon: 'folder-opened',
    menu: 'File',
    run: ({ programs }) => programs.chooseFile(),
  },
  {
    id: 'folder.grant',
    title: 'Grant the program a folder, as /work, for reading…',
    key: 'Alt+Shift+G',
    icon: 'folder',
    menu: 'File',
    enabled: ({ machine }) => machine.program !== null,
    run: () => useFolders().grant('/work', false),
  },
  {
    id: 'folder.revoke',
    title: 'Take all granted folders back',
    key: 'Alt+Shift+U',
    menu: 'File',
    enabled: () => useFolders().granted.length > 0,
    run: async () => {
      const folders = useFolders();
      for (const { guestPath } of folders.granted) await folders.revoke(guestPath);
    },
  },
  {
    id: 'window.new',
    title: 'New window',
    key: 'Ctrl+Shift+N',
    icon: 'empty-window',
    menu: 'File',
    run: () => window.hartscope.newWindow(),
  },
  {
    id: 'palette',
    title: 'Command palette…',
    key: 'Ctrl+Shift+P',
    icon: 'symbol-event',
    menu: 'Help',
    run: ({ view }) => (view.palette = 'commands'),
  },
  {
    id: 'go-to',
    title: 'Go to address or symbol…',
    key: 'Ctrl+G',
    icon: 'search',
    menu: 'View',
    enabled: open,
    run: ({ view }) => (view.palette = 'places'),
  },
  {
    id: 'show-pc',
    title: 'Show pc',
    key: 'Ctrl+.',
    icon: 'target',
    menu: 'View',
    enabled: ({ machine }) => machine.pc !== null,
    run: ({ machine, view }) => {
      if (machine.pc !== null) return view.showCode(machine.pc);
    },
  },
  {
    id: 'instruction-names',
    title: 'Disassembly: own names of instructions, or objdump’s',
    key: 'Alt+Shift+N',
    menu: 'View',
    run: () => useInstructionNames().toggle(),
  },
  {
    id: 'explain',
    title: 'Explain instruction at cursor',
    key: 'F1',
    icon: 'info',
    menu: 'Help',
    enabled: (bench) => open(bench) && bench.view.cursor !== null,
    run: ({ view }) => view.show('disassembly', 'explain'),
  },
  {
    id: 'memory.go-to',
    title: 'Go to memory…',
    key: 'Ctrl+Shift+M',
    icon: 'file-binary',
    menu: 'View',
    enabled: open,
    run: ({ view }) => view.show('memory', 'go-to'),
  },
  {
    id: 'memory.watch',
    title: 'Break on write of the bytes selected in Memory',
    key: 'Alt+Shift+B',
    icon: 'eye',
    menu: 'Run',
    enabled: open,
    run: ({ view }) => view.show('memory', 'watch'),
  },
  ...paneCommands.map((command, index) => ({ ...command, separated: index === 0 })),
  {
    id: 'terminal.search',
    title: 'Search in terminal',
    key: 'Ctrl+Shift+F',
    icon: 'search',
    run: ({ view }) => view.show('terminal', 'search'),
  },
  {
    id: 'terminal.save',
    title: 'Save terminal output…',
    key: 'Ctrl+Shift+S',
    icon: 'save',
    menu: 'File',
    separated: true,
    run: ({ view }) => view.show('terminal', 'save'),
  },
  {
    id: 'terminal.clear',
    title: 'Clear terminal',
    key: 'Ctrl+Shift+K',
    icon: 'clear-all',
    run: ({ view }) => view.show('terminal', 'clear'),
  },
  {
    id: 'session.export',
    title: 'Export session…',
    key: 'Alt+Shift+S',
    icon: 'export',
    menu: 'File',
    separated: true,
    enabled: open,
    run: ({ programs }) => programs.exportSession(),
  },
  {
    id: 'session.import',
    title: 'Import session…',
    key: 'Alt+Shift+I',
    menu: 'File',
    enabled: open,
    run: ({ programs }) => programs.importSession(),
  },
  {
    id: 'theme.system',
    title: 'Theme: as the system',
    key: 'Alt+Shift+1',
    menu: 'View',
    separated: true,
    run: ({ view }) => view.setTheme('system'),
  },
  {
    id: 'theme.light',
    title: 'Theme: light',
    key: 'Alt+Shift+2',
    menu: 'View',
    run: ({ view }) => view.setTheme('light'),
  },
  {
    id: 'theme.dark',
    title: 'Theme: dark',
    key: 'Alt+Shift+3',
    menu: 'View',
    run: ({ view }) => view.setTheme('dark'),
  },
  {
    id: 'theme.next',
    title: 'Next theme',
    key: 'Ctrl+Shift+L',
    icon: 'color-mode',
    run: ({ view }) =>
      view.setTheme(({ system: 'light', light: 'dark', dark: 'system' } as const)[view.theme]),
  },
  {
    id: 'layout.step',
    title: 'Layout: Step (reset)',
    key: 'Ctrl+Shift+0',
    icon: 'layout',
    menu: 'View',
    run: ({ view }) => view.arrange('step'),
  },
  {
    id: 'layout.harts',
    title: 'Layout: Harts',
    key: 'Ctrl+Shift+9',
    icon: 'layout-panel',
    menu: 'View',
    run: ({ view }) => view.arrange('harts'),
  },
  {
    id: 'layout.pages',
    title: 'Layout: Pages',
    key: 'Ctrl+Shift+7',
    icon: 'layout-panel',
    menu: 'View',
    run: ({ view }) => view.arrange('pages'),
  },
  {
    id: 'layout.profile',
    title: 'Layout: Profile',
    key: 'Ctrl+Shift+8',
    icon: 'layout-panel',
    menu: 'View',
    run: ({ view }) => view.arrange('profile'),
  },
  ...hartCommands,
] as const satisfies readonly Command[] as readonly Command[];

export type CommandId = string;

const byId = new Map(COMMANDS.map((command) => [command.id, command]));

export function command(id: CommandId): Command {
  const found = byId.get(id);
  if (found === undefined) throw new Error(`There is no command ${id}.`);
  return found;
}

export const isEnabled = (each: Command, bench: Workbench): boolean =>
  each.enabled === undefined || each.enabled(bench);

/** Runs a command if it can be run now; what goes wrong is shown. */
export async function runCommand(each: Command, bench: Workbench): Promise<void> {
  if (!isEnabled(each, bench)) return;
  bench.log.dismiss();
  try {
    await each.run(bench);
  } catch (error) {
    bench.log.fail(error);
  }
}

/** The part of the table that the application menu shows. */
export const menuEntries = (): MenuEntry[] =>
  COMMANDS.flatMap(({ id, title, key, menu, separated }) =>
    menu === undefined
      ? []
      : [
          {
            command: id,
            title,
            menu,
            ...(key === undefined ? {} : { key }),
            ...(separated ? { separated } : {}),
          },
        ],
  );
