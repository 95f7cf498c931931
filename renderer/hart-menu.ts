/** What can be done with a hart, wherever its number is shown. */
import type { HartInfo } from '../emulator/debug/protocol';
import { command, runCommand } from './commands';
import { useMachine } from './stores/machine';
import { usePins } from './stores/pins';
import type { ContextItem } from './stores/menu';
import { useStepping } from './stores/stepping';
import { useView } from './stores/view';
import type { Workbench } from './commands';

/** Verbs of commands.ts that act on the focused hart: the hart gets the focus first. */
const VERBS = [
  ['hart.freeze', 'Freeze or thaw'],
  ['hart.pin', 'Pin or unpin'],
  ['hart.name', 'Name…'],
  ['hart.kill', 'Kill'],
] as const;

export function hartItems(hart: HartInfo, bench: Workbench): ContextItem[] {
  const machine = useMachine();
  const pins = usePins();
  const stepping = useStepping();
  const { id, location, task } = hart;
  const harts = machine.shown?.harts ?? [];
  const focus = (): void => void (machine.focusHart = id);
  const verbs = VERBS.map(([verb, title]): ContextItem => ({
    title,
    disabled: !machine.ready || (verb === 'hart.kill' && id === 0),
    run: () => (focus(), runCommand(command(verb), bench)),
  }));
  const moves = ([-1, 1] as const).map((by): ContextItem => ({
    title: by < 0 ? 'Move to the left' : 'Move to the right',
    disabled: !pins.canMove(id, by, harts),
    run: () => pins.move(id, by, harts),
  }));
  return [
    { title: `Focus hart ${id}`, run: focus },
    { title: 'Show its code', run: () => (focus(), useView().showCode(location.address)) },
    {
      title: 'Run it alone',
      disabled: !machine.ready || hart.frozen === true,
      run: () => machine.resume((guest) => guest.run('hart', id)),
    },
    ...verbs,
    ...moves,
    ...(task
      ? [
          {
            title: `Steps into a fork follow vCPU ${task.vcpu}`,
            checked: stepping.follow === task.vcpu,
            run: () => (stepping.follow = task.vcpu),
          },
        ]
      : []),
  ];
}
