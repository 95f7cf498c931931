import type { ProcessInfo } from './debug/protocol';
import type { LinuxSystem } from './linux/system';
import type { Hart } from './multiprocess/hart';

const STATES = { R: 'running', S: 'sleeping', T: 'stopped', Z: 'zombie' } as const;

/** The Linux processes of a machine for its clients. */
export function listProcesses(
  { processes, terminal }: LinuxSystem,
  harts: readonly Hart[],
): readonly ProcessInfo[] {
  return processes.list().map(({ pid, view, state, started, retired }) => ({
    pid,
    parent: view.parentPid,
    name: view.name,
    command: started.args.join(' '),
    state: STATES[view.runState],
    group: state.group,
    session: state.session,
    foreground: terminal.session === state.session && terminal.foreground === state.group,
    harts: harts
      .filter(({ owner, ended }) => owner.pid === pid && !ended)
      .map(({ index }) => index),
    instructions: retired(),
  }));
}
