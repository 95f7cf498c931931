import { pageRuns } from '../memory/page-runs';
import { mapsText } from './area-list';
import type { DescriptorTable } from './files/descriptors';
import type { ProcessView } from './files/node';
import { encodeText } from './guest-memory';
import { PARENT_PROCESS_ID } from './identity';
import type { LinuxKernel } from './kernel';
import { programName } from './program-start';
import type { StandardStreams } from './streams';

const SIGNALS = 64;
const SIG_IGN = 1;

/** What the files of /proc and the file tree see of a process. */
export function describeProcess(kernel: LinuxKernel): ProcessView {
  const terminated = (strings: readonly string[]): Uint8Array =>
    encodeText(strings.map((text) => `${text}\0`).join(''));
  return {
    get pid(): number {
      return kernel.pid;
    },
    get parentPid(): number {
      return kernel.state.parent?.pid ?? PARENT_PROCESS_ID;
    },
    get processGroup(): number {
      return kernel.state.group;
    },
    get session(): number {
      return kernel.state.session;
    },
    get terminal(): { foreground: number } | undefined {
      const { terminal } = kernel.system;
      return terminal.session === kernel.state.session ? terminal : undefined;
    },
    get runState(): 'R' | 'S' | 'T' | 'Z' {
      return runState(kernel);
    },
    get processorTime(): bigint {
      return kernel.processorTime();
    },
    get user(): number {
      return kernel.user;
    },
    get group(): number {
      return kernel.group;
    },
    get name(): string {
      return kernel.threads.first?.name ?? programName(kernel.started.path);
    },
    get descriptors(): DescriptorTable {
      return kernel.descriptors;
    },
    get streams(): StandardStreams {
      return kernel.streams;
    },
    executablePath: () => kernel.started.path,
    executable: () => kernel.started.node,
    commandLine: () => terminated(kernel.state.ended ? [] : kernel.started.args),
    environment: () => terminated(kernel.started.environment),
    auxiliaryVector: () => kernel.started.auxiliary,
    workingDirectory: () => kernel.files.workingDirectory,
    threads: () => {
      const threads = kernel.listThreads();
      // Before its first system call nobody has asked for the first one.
      const first = { tid: kernel.pid, name: programName(kernel.started.path) };
      return threads.length === 0 ? [first] : threads;
    },
    memoryMap: () => {
      if (kernel.state.ended) return '';
      const { heap } = kernel.areas;
      const { bottom, top } = kernel.processMemory.start?.stack ?? { bottom: 0, top: 0 };
      const named = [
        { ...heap, name: '[heap]' },
        { start: bottom, end: top, name: '[stack]' },
      ];
      return mapsText(kernel.mappings.areas(named));
    },
    memorySize: () => {
      if (kernel.state.ended) return { total: 0, resident: 0 };
      const runs = pageRuns(kernel.space);
      const total = runs.reduce((sum, { count }) => sum + count, 0);
      const zero = runs.reduce((sum, { count, state }) => sum + (state === 'zero' ? count : 0), 0);
      return { total, resident: total - zero };
    },
    signalSets: () => signalSets(kernel),
    fillRandom: (bytes) => bytes.set(kernel.randomBytes(bytes.length)),
    uptime: () => kernel.clock.monotonic(),
    startTime: () => kernel.startTime,
  };
}

/** Letters of /proc/PID/stat: who reads it about itself runs; others wait, unless they have no call to wait in. */
function runState({ state, threads }: LinuxKernel): 'R' | 'S' | 'T' | 'Z' {
  if (state.ended) return 'Z';
  if (state.stoppedBy !== 0) return 'T';
  const live = threads.live();
  const sleeps = live.length > 0 && live.every(({ wait }) => wait?.isParked === true);
  return sleeps ? 'S' : 'R';
}

function signalSets(kernel: LinuxKernel): ReturnType<ProcessView['signalSets']> {
  const thread = kernel.findThread(kernel.pid);
  let ignored = 0n;
  let caught = 0n;
  for (let signal = 1; signal <= SIGNALS; signal++) {
    const { handler } = kernel.signals.action(signal);
    const bit = 1n << BigInt(signal - 1);
    if (handler === SIG_IGN) ignored |= bit;
    else if (handler !== 0) caught |= bit;
  }
  return {
    pending: thread === undefined ? 0n : kernel.signals.pending(thread),
    blocked: thread?.blocked ?? 0n,
    ignored,
    caught,
  };
}
