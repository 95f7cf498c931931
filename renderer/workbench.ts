import { command, runCommand, type Workbench } from './commands';
import { useLog } from './stores/log';
import { useMachine } from './stores/machine';
import { usePrograms } from './stores/programs';
import { useView } from './stores/view';

/** The stores that commands act on. */
export const useWorkbench = (): Workbench => ({
  machine: useMachine(),
  programs: usePrograms(),
  view: useView(),
  log: useLog(),
});

/** Runs a command by its name. */
export function useCommand(): (id: string) => Promise<void> {
  const bench = useWorkbench();
  return (id) => runCommand(command(id), bench);
}
