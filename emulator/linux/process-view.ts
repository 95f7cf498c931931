import { PAGE_SIZE } from '../memory/layout';
import { pageRuns } from '../memory/page-runs';
import type { ProcessView } from './files/node';
import { encodeText } from './guest-memory';
import { PARENT_PROCESS_ID, PROCESS_ID } from './identity';
import { programName, type LinuxKernel } from './kernel';
import { stackLimit, STACK_TOP } from './process-start';

const SIGNALS = 64;
const SIG_IGN = 1;

/** What the files of /proc and the file tree see of a process. */
export function describeProcess(kernel: LinuxKernel): ProcessView {
  const terminated = (strings: readonly string[]): Uint8Array =>
    encodeText(strings.map((text) => `${text}\0`).join(''));
  return {
    pid: PROCESS_ID,
    parentPid: PARENT_PROCESS_ID,
    user: kernel.user,
    group: kernel.group,
    get name(): string {
      return programName(kernel.started.path);
    },
    descriptors: kernel.descriptors,
    streams: kernel.streams,
    executablePath: () => kernel.started.path,
    executable: () => kernel.started.node,
    commandLine: () => terminated(kernel.started.args),
    environment: () => terminated(kernel.started.environment),
    auxiliaryVector: () => kernel.started.auxiliary,
    workingDirectory: () => kernel.files.workingDirectory,
    threads: () => {
      const threads = kernel.listThreads();
      // Before its first system call nobody has asked for the first one.
      const first = { tid: PROCESS_ID, name: programName(kernel.started.path) };
      return threads.length === 0 ? [first] : threads;
    },
    memoryMap: () => {
      const { heap } = kernel.areas;
      const stack = stackLimit(kernel.limits.stackSize) + PAGE_SIZE;
      return kernel.mappings.describe([
        { ...heap, name: '[heap]' },
        { start: stack, end: STACK_TOP, name: '[stack]' },
      ]);
    },
    memorySize: () => {
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

function signalSets(kernel: LinuxKernel): ReturnType<ProcessView['signalSets']> {
  const thread = kernel.findThread(PROCESS_ID);
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
