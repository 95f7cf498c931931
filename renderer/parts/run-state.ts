import type { MachineState, StopReason, Width } from '../../emulator/debug/protocol';
import { placeName } from '../format';
import type { Phase } from '../stores/machine';

/** What the machine is doing, in a few words. */
export function runStateText(phase: Phase, state: MachineState | null): string {
  switch (phase) {
    case 'none':
      return 'No guest';
    case 'opening':
      return 'Opening…';
    case 'failed':
      return 'Not opened';
    case 'lost':
      return 'Machine process ended';
    case 'open':
  }
  if (state === null) return 'Opening…';
  if (state.running) {
    const waiting = state.harts.every((hart) => hart.state === 'waiting') && state.harts[0];
    return waiting ? `Running · waits for ${waiting.waitsFor ?? 'an event'}` : 'Running';
  }
  const hart = state.harts.find(({ id }) => id === state.stopHart) ?? state.harts[0];
  const place = hart && placeName(hart.location);
  const isOneOfMany = state.harts.length > 1 && state.stop?.kind !== 'pause';
  return stopText(state.stop, place) + (hart && isOneOfMany ? ` · hart ${hart.id}` : '');
}

function stopText(stop: StopReason | undefined, place: string | undefined): string {
  const at = place === undefined ? '' : ` at ${place}`;
  switch (stop?.kind) {
    case undefined:
    case 'step':
      return `Stopped${at}`;
    case 'entry':
      return `Stopped at entry${place === undefined ? '' : `: ${place}`}`;
    case 'pause':
      return `Paused${at}`;
    case 'breakpoint':
      return `Breakpoint ${stop.id}${at}`;
    case 'watch':
      return `Breakpoint ${stop.id}: ${stop.access} ${stop.before} → ${stop.after}${at}`;
    case 'syscall':
      return `Breakpoint ${stop.id}: ${stop.name}${at}`;
    case 'event':
      return `Breakpoint ${stop.id}: ${stop.event}${at}`;
    case 'barrier':
      return `Barrier ${stop.id}: harts ${stop.harts.join(', ')}${at}`;
    case 'fork':
      return `Task ${stop.task} has started${at}`;
    case 'blocked':
      return stop.message;
    case 'ebreak':
      return `ebreak${at}`;
    case 'fault':
      return stop.message.startsWith(stop.signal)
        ? stop.message
        : `${stop.signal}: ${stop.message}`;
    case 'exited':
      return `Exited with status ${stop.status}`;
    case 'killed':
      return `Killed by ${stop.signal}`;
  }
}

/** What the hint depends on beside the machine's state. */
interface HintFacts {
  /** A program was open; it can be opened again. */
  readonly hasProgram: boolean;
  /** The guest starts vCPUs. */
  readonly isMultiprocess: boolean;
  /** Stopped before this function is called. */
  readonly before?: string;
  readonly focus: number;
  /** Whom steps move. */
  readonly width: Width;
}

/** What to press next. */
export function hint(phase: Phase, state: MachineState | null, facts: HintFacts): string {
  if (phase === 'none')
    return facts.hasProgram
      ? 'Ctrl+Shift+F5 opens it again · choose another guest in the Guests pane (Ctrl+1)'
      : 'Choose a guest in the Guests pane (Ctrl+1), or Ctrl+O to open a program';
  if (phase === 'lost') return 'Ctrl+Shift+F5 starts it again';
  if (phase === 'failed') return 'Ctrl+O opens another program · Ctrl+Shift+F5 tries again';
  if (phase === 'opening' || state === null) return '';
  if (state.running)
    return state.harts.some((hart) => hart.state === 'waiting' && hart.waitsFor === 'input')
      ? 'The guest waits for input: type in the Terminal (Ctrl+6)'
      : 'F6 pauses · Shift+F5 stops';
  switch (state.stop?.kind) {
    case 'exited':
    case 'killed':
      return 'Ctrl+Shift+F5 restarts';
    case 'fault':
      return 'The registers and memory are as the fault left them · Ctrl+Shift+F5 restarts';
    default:
      return stepHint(state, facts);
  }
}

/** What to press at a stop from which the program can go on. */
function stepHint(
  { stop, harts, endedVcpus }: MachineState,
  { isMultiprocess, before, focus, width }: HintFacts,
): string {
  if (stop?.kind === 'entry' && before !== undefined)
    return `F10 steps over ${before}: its vCPUs start · F5 runs`;
  if (harts.length > 1) {
    const focused = harts.find(({ id }) => id === focus);
    if (focused?.frozen) return `Alt+Shift+F thaws hart ${focus} · 0 … 9 focus another`;
    if (focused?.heldAt !== undefined)
      return `Alt+Shift+F lets hart ${focus} go on from its barrier point · F5 runs all`;
    const whom = { hart: `hart ${focus}`, group: 'its group', all: 'all harts' }[width];
    return focused?.task
      ? `F10 steps ${whom} · Alt+Shift+W: its group, all · Alt+Shift+L: by lines · 0 focuses main`
      : '1 … 9 focus a hart · Ctrl+Shift+9 compares registers and pages · F10 lets vCPUs finish · F5 runs all';
  }
  if (endedVcpus.length > 0)
    return 'The vCPUs have ended: main has what they wrote · Ctrl+9 lists their forks and loans · F5 runs';
  if (isMultiprocess)
    return 'Ctrl+Shift+F10 runs to where the vCPUs start · F10 steps over · F5 runs';
  return 'F10 steps over · F11 steps into · F9 sets a breakpoint · F5 runs';
}
