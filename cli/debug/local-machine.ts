import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { INTERACTIVE_PATIENCE, Machine, type MachineOptions } from '../../emulator';
import type { ConsoleMachine } from '../../emulator/debug/console/console-types';
import type {
  MachineEvents,
  MachineRequests,
  MachineState,
  OpenRequest,
} from '../../emulator/debug/protocol';
import { DebugSession } from '../../emulator/debug/session';
import { validated } from '../../emulator/debug/validate';

/** What of a machine is set up outside the protocol. */
export type LocalOptions = Pick<
  MachineOptions,
  'files' | 'path' | 'pool' | 'schedule' | 'vcpuLimit' | 'log'
>;

/** Longest source file that is read. */
const MAX_SOURCE_BYTES = 16 << 20;

/** A debugger session in this process, as a client of the protocol sees it. */
export class LocalMachine implements ConsoleMachine {
  readonly requests: MachineRequests;
  private machine: Machine | undefined;
  private state: MachineState | undefined;
  private waiting: ((state: MachineState) => void)[] = [];
  private pauseWanted = false;

  /**
   * @param events output and messages go there
   * @param folders where source files with relative names are looked for
   */
  constructor(
    options: LocalOptions,
    events: Pick<MachineEvents, 'output' | 'message'>,
    private readonly folders: readonly string[],
  ) {
    const session = new DebugSession(
      {
        events: {
          ...events,
          stateChanged: (state) => this.changed(state),
          breakpointsChanged: () => undefined,
        },
        safepoint: () => new Promise((resolve) => setImmediate(resolve)),
        pauseRequested: () => this.pauseWanted,
        clearPause: () => void (this.pauseWanted = false),
      },
      (request, streams) => {
        this.machine = Machine.create({
          ...request,
          ...options,
          streams,
          stopAtFaults: true,
          patience: INTERACTIVE_PATIENCE,
        });
        return this.machine;
      },
    );
    this.requests = validated(session);
  }

  async open(request: OpenRequest): Promise<MachineState> {
    await this.requests.open(request);
    return this.stopped();
  }

  get isRunning(): boolean {
    return this.state?.running ?? false;
  }

  stopped(): Promise<MachineState> {
    const { state } = this;
    if (state && !state.running) return Promise.resolve(state);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Stops the harts soon, wherever they are. */
  pause(): Promise<void> {
    this.pauseWanted = true;
    return this.requests.pause();
  }

  /** Whether the program has a symbol of that name. */
  knows(symbol: string): boolean {
    return this.machine?.symbols.byName(symbol) !== undefined;
  }

  readSource(path: string): Promise<readonly string[] | undefined> {
    const candidates = isAbsolute(path) ? [path] : this.folders.map((folder) => join(folder, path));
    const found = candidates.find((each) => existsSync(each));
    if (found === undefined) return Promise.resolve(undefined);
    const { size } = statSync(found);
    if (size > MAX_SOURCE_BYTES) return Promise.resolve(undefined);
    return Promise.resolve(readFileSync(found, 'utf8').split('\n'));
  }

  dispose(): void {
    this.machine?.dispose();
  }

  private changed(state: MachineState): void {
    this.state = state;
    if (state.running) return;
    for (const resolve of this.waiting.splice(0)) resolve(state);
  }
}

/** The folders above a program, the nearest first: its relative source paths begin in one of them. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === dirname(folder)) return folders;
  }
}
