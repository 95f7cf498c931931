import { pageRuns } from '../memory/page-runs';
import { mapsText } from './area-list';
import type { DescriptorTable } from './files/descriptors';
import type { DirectoryNode, FileNode, ProcessView } from './files/node';
import { encodeText } from './guest-memory';
import { PARENT_PROCESS_ID } from './identity';
import type { LinuxKernel } from './kernel';
import { programName } from './program-start';
import type { StandardStreams } from './streams';

const SIGNALS = 64;
const SIG_IGN = 1;

/** What the files of /proc and the file tree see of a process. */
export class KernelView implements ProcessView {
  constructor(private readonly kernel: LinuxKernel) {}

  get pid(): number {
    return this.kernel.pid;
  }

  get parentPid(): number {
    return this.kernel.state.parent?.pid ?? PARENT_PROCESS_ID;
  }

  get processGroup(): number {
    return this.kernel.state.group;
  }

  get session(): number {
    return this.kernel.state.session;
  }

  get terminal(): { foreground: number } | undefined {
    const { terminal } = this.kernel.system;
    return terminal.session === this.session ? terminal : undefined;
  }

  get runState(): 'R' | 'S' | 'T' | 'Z' {
    return runState(this.kernel);
  }

  get processorTime(): bigint {
    return this.kernel.processorTime();
  }

  get user(): number {
    return this.kernel.user;
  }

  get group(): number {
    return this.kernel.group;
  }

  get name(): string {
    return this.kernel.threads.first?.name ?? programName(this.executablePath());
  }

  get descriptors(): DescriptorTable {
    return this.kernel.descriptors;
  }

  get streams(): StandardStreams {
    return this.kernel.streams;
  }

  executablePath(): string {
    return this.kernel.started.path;
  }

  executable(): FileNode | undefined {
    return this.kernel.started.node;
  }

  commandLine(): Uint8Array {
    return terminated(this.kernel.state.ended ? [] : this.kernel.started.args);
  }

  environment(): Uint8Array {
    return terminated(this.kernel.started.environment);
  }

  auxiliaryVector(): Uint8Array {
    return this.kernel.started.auxiliary;
  }

  workingDirectory(): DirectoryNode {
    return this.kernel.files.workingDirectory;
  }

  threads(): ReturnType<ProcessView['threads']> {
    const threads = this.kernel.listThreads();
    // Before its first system call nobody has asked for the first one.
    const first = { tid: this.pid, name: programName(this.executablePath()) };
    return threads.length === 0 ? [first] : threads;
  }

  memoryMap(): string {
    const { state, areas, processMemory, mappings } = this.kernel;
    if (state.ended) return '';
    const { bottom, top } = processMemory.start?.stack ?? { bottom: 0, top: 0 };
    const named = [
      { ...areas.heap, name: '[heap]' },
      { start: bottom, end: top, name: '[stack]' },
    ];
    return mapsText(mappings.areas(named));
  }

  memorySize(): ReturnType<ProcessView['memorySize']> {
    if (this.kernel.state.ended) return { total: 0, resident: 0 };
    const runs = pageRuns(this.kernel.space);
    const total = runs.reduce((sum, { count }) => sum + count, 0);
    const zero = runs.reduce((sum, { count, state }) => sum + (state === 'zero' ? count : 0), 0);
    return { total, resident: total - zero };
  }

  signalSets(): ReturnType<ProcessView['signalSets']> {
    return signalSets(this.kernel);
  }

  fillRandom(bytes: Uint8Array): void {
    bytes.set(this.kernel.randomBytes(bytes.length));
  }

  uptime(): bigint {
    return this.kernel.clock.monotonic();
  }

  startTime(): bigint {
    return this.kernel.startTime;
  }
}

/** Strings as C has them. */
function terminated(strings: readonly string[]): Uint8Array {
  return encodeText(strings.map((text) => `${text}\0`).join(''));
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
