import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import type {
  Breakpoint,
  BreakpointSpec,
  MachineEvents,
  MachineInfo,
  MachineRequests,
  MachineState,
} from '../../emulator/debug/protocol';
import type { ProgramFile } from '../../preload/api';
import type { Schedule } from '../../emulator/schedule/options';
import { specOf } from '../../emulator/debug/breakpoint-spec';
import { connectMachine, machinePort, type MachineClient } from '../machine-client';
import { useLog } from './log';
import { useTerminal } from './terminal';

/** A guest that stops again within this time is not shown running, in milliseconds. */
const STEP_MS = 80;
/** Steps that wait for the one before. */
const MAX_QUEUED = 2;

/** `lost`: the machine's process has ended. `failed`: the program could not be opened. */
export type Phase = 'none' | 'opening' | 'open' | 'failed' | 'lost';

export interface OpenOptions {
  /** argv without argv[0]. */
  readonly args: readonly string[];
  /** `NAME=value` strings. */
  readonly environment: readonly string[];
  readonly schedule?: Schedule;
}

/** The window's one machine: what is known of it, and every verb. */
export const useMachine = defineStore('machine', () => {
  const log = useLog();
  const terminal = useTerminal();

  const phase = ref<Phase>('none');
  /** Why the machine is lost or could not be opened. */
  const problem = ref('');
  const program = shallowRef<ProgramFile | null>(null);
  const options = shallowRef<OpenOptions>({ args: [], environment: [] });
  const info = shallowRef<MachineInfo | null>(null);
  /** The machine's latest report. */
  const state = shallowRef<MachineState | null>(null);
  /** What the window shows: a guest that runs no longer than a step takes is not shown running, so that nothing flickers. */
  const shown = shallowRef<MachineState | null>(null);
  const breakpoints = shallowRef<readonly Breakpoint[]>([]);
  /** Whether the next program that is opened or restarted runs under the race check. */
  const raceCheck = ref(false);
  /** Whether what it runs is counted; never together with the race check. */
  const counting = ref(false);
  /** Whether call stacks are looked at while it runs. */
  const sampling = ref(false);
  const focusHart = ref(0);
  /** Counts stops and edits: what panes show of the machine is as old as the count they fetched it at. */
  const revision = ref(0);
  /** Counts stops only: differences are marked against the stop before. */
  const stops = ref(0);

  let machine: number | null = null;
  let client: MachineClient | null = null;
  let showTimer: ReturnType<typeof setTimeout> | undefined;
  let awaitingStop: (() => void)[] = [];
  let turn: Promise<void> = Promise.resolve();
  /** Steps and runs that have been asked for and not yet accepted. */
  let queued = 0;
  /** As `running`, at this moment: what asks is not drawn again with every step. */
  let runs = false;
  /** Which `open` is the latest: an older one that still waits gives up. */
  let attempt = 0;
  /** Breakpoints of the program that was open last. */
  let lastSpecs: readonly BreakpointSpec[] = [];

  const running = computed(() => state.value?.running ?? false);
  const busy = computed(() => shown.value?.running ?? false);
  const stopped = computed(() => phase.value === 'open' && !running.value);
  const ended = computed(() => {
    const kind = shown.value?.stop?.kind;
    return kind === 'exited' || kind === 'killed';
  });
  /** Stopped, and there is something left to run. */
  const ready = computed(() => phase.value === 'open' && !busy.value && !ended.value);
  const hart = computed(() => shown.value?.harts.find(({ id }) => id === focusHart.value));
  /** Which program the focused hart's process runs: answers about addresses hold for that one. */
  const focusProgram = computed(() => hart.value?.program ?? 0);
  const pc = computed(() => hart.value?.location.address ?? null);

  /** The machine's requests; throws when no machine is open. */
  function requests(): MachineRequests {
    if (client === null) throw new Error('No guest is open. Open one in the Guests pane.');
    return client.requests;
  }

  function takeState(next: MachineState): void {
    const before = state.value;
    if (before !== null && next.sequence <= before.sequence) return;
    state.value = next;
    runs = next.running;
    showState(next);
    moveFocus(next);
    if (next.running) return;
    stops.value++;
    revision.value++;
    for (const resolve of awaitingStop.splice(0)) resolve();
  }

  /** A stop that is about one hart takes the focus there; a hart that has gone cannot keep it. */
  function moveFocus({ harts, stop, stopHart }: MachineState): void {
    const lives = (hart: number | undefined): hart is number => harts.some(({ id }) => id === hart);
    const about = stop !== undefined && stop.kind !== 'pause' && stop.kind !== 'step';
    if (lives(stopHart) && (about || !lives(focusHart.value))) focusHart.value = stopHart;
    else if (!lives(focusHart.value)) focusHart.value = 0;
  }

  function showState(next: MachineState): void {
    if (!next.running || busy.value) {
      clearTimeout(showTimer);
      showTimer = undefined;
      shown.value = next;
    } else showTimer ??= setTimeout(() => (shown.value = state.value), STEP_MS);
  }

  /**
   * Lets the guest go on, once the step before has come to its stop: a quick second key press is not lost.
   * More than that do not wait, so that the guest stands still when a held key is released.
   */
  function resume(ask: (machine: MachineRequests) => Promise<void>): Promise<void> {
    if (queued >= MAX_QUEUED) return Promise.resolve();
    queued++;
    const mine = attempt;
    const go = async (): Promise<void> => {
      if (running.value) await new Promise<void>((resolve) => awaitingStop.push(resolve));
      if (mine === attempt && stopped.value && !ended.value) await ask(requests());
    };
    const result = turn.then(go).finally(() => {
      queued = Math.max(0, queued - 1);
    });
    // A request that was refused is its caller's to report; the next ones go on.
    turn = result.catch(() => undefined);
    return result;
  }

  const events: MachineEvents = {
    stateChanged: takeState,
    output: (bytes) => terminal.write(bytes),
    breakpointsChanged: (next) => (breakpoints.value = next),
    message: (text, level) => log.add(text, level),
  };

  /** Opens a program in a fresh machine; the one that was open ends. The same program keeps its breakpoints. */
  async function open(
    file: ProgramFile,
    given: OpenOptions,
    restored?: readonly BreakpointSpec[],
  ): Promise<void> {
    const mine = ++attempt;
    const kept = program.value?.path === file.path && program.value?.name === file.name;
    await close();
    const specs = restored ?? (kept ? lastSpecs : []);
    program.value = file;
    options.value = given;
    phase.value = 'opening';
    problem.value = '';
    log.dismiss();
    terminal.reset();
    try {
      const id = await window.hartscope.createMachine(file.sha256);
      machine = id;
      const port = await machinePort(id);
      if (mine !== attempt) return;
      client = connectMachine(port, events);
      const size = terminal.size;
      if (sampling.value) await client.requests.sampleTime(true);
      const opened = await client.requests.open({
        name: file.name,
        elf: file.bytes,
        args: [file.name, ...given.args],
        environment: given.environment,
        ...(given.schedule && { schedule: given.schedule }),
        ...(raceCheck.value && { raceCheck: true }),
        ...(counting.value && { profile: true }),
        stopAt: file.stopAt,
        columns: size.columns,
        rows: size.rows,
      });
      if (mine !== attempt) return;
      for (const spec of specs) await restoreBreakpoint(client.requests, spec);
      const [first, set] = await Promise.all([
        client.requests.state(),
        client.requests.breakpoints(),
      ]);
      if (mine !== attempt) return;
      info.value = opened;
      breakpoints.value = set;
      phase.value = 'open';
      takeState(first);
      await window.hartscope.setTitle(`${file.name} — Hartscope`);
    } catch (error) {
      // A process that ended meanwhile has been reported.
      if (mine !== attempt || isLost()) return;
      await close();
      program.value = file;
      phase.value = 'failed';
      const reason = error instanceof Error ? error.message : String(error);
      problem.value = `${file.name} cannot be opened: ${reason}`;
      log.add(problem.value, 'error');
    }
  }

  /** One that is not taken any more does not keep the program from being opened. */
  async function restoreBreakpoint(to: MachineRequests, spec: BreakpointSpec): Promise<void> {
    try {
      await to.addBreakpoint(spec);
    } catch (error) {
      if (phase.value !== 'opening' && phase.value !== 'open') throw error;
      const reason = error instanceof Error ? error.message : String(error);
      log.add(`The breakpoint at ${spec.at} is not set: ${reason}`, 'warning');
    }
  }

  const isLost = (): boolean => phase.value === 'lost';

  /** Ends the machine; nothing is open afterwards. */
  async function close(): Promise<void> {
    const ending = machine;
    machine = null;
    client?.close('The machine was closed.');
    client = null;
    forget();
    phase.value = 'none';
    if (ending !== null) await window.hartscope.endMachine(ending);
  }

  function forget(): void {
    clearTimeout(showTimer);
    showTimer = undefined;
    // What waited for a stop of that machine waits no more, and finds it gone.
    awaitingStop = [];
    turn = Promise.resolve();
    queued = 0;
    if (info.value !== null) lastSpecs = breakpoints.value.map(specOf);
    info.value = null;
    state.value = shown.value = null;
    runs = false;
    breakpoints.value = [];
    focusHart.value = 0;
    revision.value++;
  }

  /** Main reports that the machine's process has ended. What was known stays to be seen. */
  function lose(id: number, reason: string): void {
    if (id !== machine) return;
    machine = null;
    client?.close(reason);
    client = null;
    phase.value = 'lost';
    problem.value = reason;
    runs = false;
    const last = state.value;
    if (last !== null) {
      const harts = last.harts.map((each) => ({ ...each, state: 'ended' as const }));
      state.value = { ...last, running: false, harts };
      showState(state.value);
    }
    awaitingStop = [];
    turn = Promise.resolve();
    queued = 0;
    log.add(reason, 'error');
  }

  /** Loads the program afresh: in the same process, or in a new one when that is lost. */
  async function restart(): Promise<void> {
    if (program.value === null) return;
    if (phase.value !== 'open') return open(program.value, options.value);
    terminal.reset();
    await requests().restart();
  }

  /** Switches the race check on or off for the next start. */
  async function checkRaces(isOn: boolean): Promise<void> {
    raceCheck.value = isOn;
    if (isOn) counting.value = false;
    if (phase.value !== 'open') return;
    await requests().checkRaces(isOn);
    revision.value++;
  }

  /** Switches the counting of instructions on or off for the next start. */
  async function countInstructions(isOn: boolean): Promise<void> {
    counting.value = isOn;
    if (isOn) raceCheck.value = false;
    if (phase.value !== 'open') return;
    await requests().countInstructions(isOn);
    revision.value++;
  }

  /** Switches the sampling of call stacks on or off, from now on. */
  async function sampleTime(isOn: boolean): Promise<void> {
    sampling.value = isOn;
    if (phase.value !== 'open') return;
    await requests().sampleTime(isOn);
    revision.value++;
  }

  async function addBreakpoint(spec: BreakpointSpec): Promise<void> {
    await requests().addBreakpoint(spec);
    await fetchBreakpoints();
  }

  /** Puts other breakpoints in the place of all that there are. */
  async function replaceBreakpoints(specs: readonly BreakpointSpec[]): Promise<void> {
    const to = requests();
    for (const { id } of breakpoints.value) await to.removeBreakpoint(id);
    for (const spec of specs) await restoreBreakpoint(to, spec);
    await fetchBreakpoints();
  }

  async function updateBreakpoint(id: number, spec: BreakpointSpec): Promise<void> {
    await requests().updateBreakpoint(id, spec);
    await fetchBreakpoints();
  }

  async function removeBreakpoint(id: number): Promise<void> {
    await requests().removeBreakpoint(id);
    await fetchBreakpoints();
  }

  async function fetchBreakpoints(): Promise<void> {
    breakpoints.value = await requests().breakpoints();
  }

  /** Sets a breakpoint at an address, or takes away the one that is there. */
  async function toggleBreakpoint(address: number): Promise<void> {
    const there = breakpoints.value.find(({ location }) => location?.address === address);
    if (there) await removeBreakpoint(there.id);
    else await addBreakpoint({ at: `0x${address.toString(16)}`, enabled: true });
  }

  /** Sets a breakpoint on a source line, or takes away the one that was set on it. */
  async function toggleLine(path: string, line: number): Promise<void> {
    const at = `${path}:${line}`;
    const there = breakpoints.value.find((each) => each.at === at);
    if (there) return removeBreakpoint(there.id);
    // A path that cannot be told from an expression: the breakpoint is set on the line's first instruction.
    const [first] = /[\s?:]/.test(path)
      ? await requests().breakpointLocations(path, line, focusHart.value)
      : [undefined];
    await addBreakpoint({ at: first ? `0x${first.address.toString(16)}` : at, enabled: true });
  }

  /** Lets the focused hart go on at another address. */
  async function setPc(address: number): Promise<void> {
    await requests().writeRegister(focusHart.value, 'pc', `0x${address.toString(16)}`);
    touched();
  }

  /** Something of the machine was changed by hand. */
  function touched(): void {
    revision.value++;
  }

  return {
    phase,
    problem,
    program,
    options,
    info,
    state,
    shown,
    breakpoints,
    focusHart,
    revision,
    stops,
    running,
    busy,
    stopped,
    ended,
    ready,
    canPause: (): boolean => phase.value === 'open' && (busy.value || runs),
    hart,
    pc,
    focusProgram,
    requests,
    resume,
    open,
    close,
    lose,
    restart,
    raceCheck,
    checkRaces,
    counting,
    countInstructions,
    sampling,
    sampleTime,
    addBreakpoint,
    replaceBreakpoints,
    updateBreakpoint,
    removeBreakpoint,
    toggleBreakpoint,
    toggleLine,
    setPc,
    touched,
  };
});
