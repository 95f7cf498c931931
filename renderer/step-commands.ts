/** The verbs that move harts: part of the table in commands.ts. */
import type { MachineRequests } from '../emulator/debug/protocol';
import type { Command, Workbench } from './commands';
import { cursorAddress, hasCursor } from './cursor';
import { usePins } from './stores/pins';
import { useStepping } from './stores/stepping';

const ready = ({ machine }: Workbench): boolean => machine.ready;
const several = (bench: Workbench): boolean =>
  ready(bench) && (bench.machine.shown?.harts.length ?? 0) > 1;

/** A step of the focused hart, its group or all, as the toolbar says. */
const step =
  (
    ask: (
      guest: MachineRequests,
      hart: number,
      stepping: ReturnType<typeof useStepping>,
    ) => Promise<void>,
  ) =>
  ({ machine }: Workbench): Promise<void> =>
    machine.resume((guest) => ask(guest, machine.focusHart, useStepping()));

async function runToCursor(bench: Workbench): Promise<void> {
  const { machine } = bench;
  const cursor = await cursorAddress(bench);
  const { width } = useStepping();
  if (cursor === null) return;
  await machine.resume((guest) => guest.runTo(cursor, machine.focusHart, width));
}

const canMove =
  (by: -1 | 1) =>
  ({ machine }: Workbench): boolean =>
    usePins().canMove(machine.focusHart, by, machine.shown?.harts ?? []);
const moveHart =
  (by: -1 | 1) =>
  ({ machine }: Workbench): void =>
    usePins().move(machine.focusHart, by, machine.shown?.harts ?? []);

export const STEP_COMMANDS: readonly Command[] = [
  {
    id: 'step.over',
    title: 'Step over',
    key: 'F10',
    icon: 'debug-step-over',
    menu: 'Run',
    separated: true,
    enabled: ready,
    run: step((guest, hart, { unit, width }) =>
      unit === 'line' ? guest.stepLine(hart, 'over', width) : guest.stepOver(hart, width),
    ),
  },
  {
    id: 'step.into',
    title: 'Step into',
    key: 'F11',
    icon: 'debug-step-into',
    menu: 'Run',
    enabled: ready,
    run: step(async (guest, hart, { unit, width, follow }) => {
      const into =
        unit === 'line'
          ? () => guest.stepLine(hart, 'into', width)
          : () => guest.stepInstruction(hart, width);
      // The machine takes requests in their order: the second need not wait for the first's answer.
      await Promise.all([guest.follow(follow), into()]);
    }),
  },
  {
    id: 'step.out',
    title: 'Step out',
    key: 'Shift+F11',
    icon: 'debug-step-out',
    menu: 'Run',
    enabled: ready,
    run: step((guest, hart, { width }) => guest.stepOut(hart, width)),
  },
  {
    id: 'run.to-return',
    title: 'Run to return',
    key: 'Ctrl+F11',
    icon: 'debug-step-back',
    menu: 'Run',
    enabled: ready,
    run: step((guest, hart, { width }) => guest.runToReturn(hart, width)),
  },
  {
    id: 'run.to-cursor',
    title: 'Run to cursor',
    key: 'Ctrl+F10',
    icon: 'debug-line-by-line',
    menu: 'Run',
    enabled: (bench) => ready(bench) && hasCursor(bench),
    run: runToCursor,
  },
  {
    id: 'run.to-fork',
    title: 'Run to the next fork',
    key: 'Ctrl+Shift+F10',
    icon: 'repo-forked',
    menu: 'Run',
    enabled: ready,
    run: ({ machine }) => machine.resume((guest) => guest.runToFork()),
  },
  {
    id: 'run.group',
    title: 'Run the focused hart or its group',
    key: 'Ctrl+F5',
    icon: 'debug-continue-small',
    menu: 'Run',
    enabled: ready,
    run: step((guest, hart, { width }) => guest.run(width, hart)),
  },
  {
    id: 'run.together',
    title: 'Run until the group is together again',
    key: 'Alt+Shift+T',
    icon: 'git-merge',
    menu: 'Run',
    enabled: (bench) => bench.machine.shown?.harts.some(({ diverged }) => diverged) ?? false,
    run: ({ machine }) => machine.resume((guest) => guest.runTogether(machine.focusHart)),
  },
  {
    id: 'step.width',
    title: 'Steps move: the hart, its group, all',
    key: 'Alt+Shift+W',
    icon: 'organization',
    menu: 'Run',
    separated: true,
    run: () => useStepping().nextWidth(),
  },
  {
    id: 'step.unit',
    title: 'Steps go by: instructions or source lines',
    key: 'Alt+Shift+L',
    icon: 'list-flat',
    menu: 'Run',
    run: () => useStepping().nextUnit(),
  },
  {
    id: 'step.follow',
    title: 'Steps into a fork follow: the caller, vCPU 1, 2 …',
    key: 'Alt+Shift+V',
    icon: 'repo-forked',
    menu: 'Run',
    run: () => useStepping().nextFollow(),
  },
  {
    id: 'hart.freeze',
    title: 'Freeze or thaw the focused hart',
    key: 'Alt+Shift+F',
    icon: 'lock',
    menu: 'Run',
    separated: true,
    enabled: ready,
    run: ({ machine }) =>
      machine
        .requests()
        // One that stands at a barrier point goes on from there.
        .markHart(machine.focusHart, {
          frozen: machine.hart?.frozen !== true && machine.hart?.heldAt === undefined,
        })
        .then(() => machine.touched()),
  },
  {
    id: 'hart.pin',
    title: 'Pin or unpin the focused hart',
    key: 'Alt+Shift+P',
    icon: 'pin',
    menu: 'Run',
    enabled: ready,
    run: ({ machine }) =>
      machine.requests().markHart(machine.focusHart, { pinned: machine.hart?.pinned !== true }),
  },
  {
    id: 'hart.name',
    title: 'Name the focused hart…',
    key: 'Alt+Shift+M',
    icon: 'tag',
    menu: 'Run',
    enabled: ready,
    run: ({ machine }) => (useStepping().naming = machine.focusHart),
  },
  {
    id: 'hart.left',
    title: 'Move the pinned hart to the left',
    key: 'Alt+Shift+ArrowLeft',
    enabled: canMove(-1),
    run: moveHart(-1),
  },
  {
    id: 'hart.right',
    title: 'Move the pinned hart to the right',
    key: 'Alt+Shift+ArrowRight',
    enabled: canMove(1),
    run: moveHart(1),
  },
  {
    id: 'hart.kill',
    title: 'Kill the focused hart',
    key: 'Alt+Shift+K',
    icon: 'trash',
    menu: 'Run',
    enabled: (bench) => several(bench) && bench.machine.focusHart !== 0,
    run: ({ machine }) => machine.requests().killHart(machine.focusHart),
  },
];
