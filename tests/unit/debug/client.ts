import { readFileSync } from 'node:fs';
import { Machine, type EngineKind, type FileTree, type PoolOptions } from '../../../emulator';
import type {
  Breakpoint,
  HartInfo,
  MachineEvents,
  MachineInfo,
  MachineState,
  OpenRequest,
} from '../../../emulator/debug/protocol';
import { DebugSession } from '../../../emulator/debug/session';
import type { SessionHost } from '../../../emulator/debug/session-host';
import { TESTED_MACHINE } from '../../support/tested-machine';

const guest = (name: string): Uint8Array => readFileSync(`guests/bin/${name}.elf`);

/** A client of a session, in the same process: keeps what it is told. */
export class Client {
  readonly states: MachineState[] = [];
  readonly messages: string[] = [];
  output = '';
  /** What each hart has printed, in ASCII. */
  readonly printed = new Map<number, string>();
  breakpoints: readonly Breakpoint[] = [];
  readonly session: DebugSession;
  private readonly decoder = new TextDecoder();
  private machine: Machine | undefined;

  /**
   * @param pool threads that run vCPUs [none: harts take turns]
   * @param files makes the guest's files [none of the host's]
   * @param engine [the machine's default]
   */
  constructor(pool?: PoolOptions, files?: () => FileTree, engine?: EngineKind) {
    const events: MachineEvents = {
      stateChanged: (state) => void this.states.push(state),
      output: (bytes, hart) => {
        this.output += this.decoder.decode(bytes, { stream: true });
        const text = Buffer.from(bytes).toString('latin1');
        this.printed.set(hart, (this.printed.get(hart) ?? '') + text);
      },
      breakpointsChanged: (list) => void (this.breakpoints = list),
      message: (text) => void this.messages.push(text),
    };
    const host: SessionHost = {
      events,
      safepoint: () => new Promise((resolve) => setImmediate(resolve)),
      pauseRequested: () => false,
      clearPause: () => undefined,
    };
    this.session = new DebugSession(host, (request, streams) => {
      this.machine = Machine.create({
        ...request,
        memoryLimit: 32 << 20,
        streams,
        stopAtFaults: true,
        ...(pool && { pool }),
        ...(files && { files: files() }),
        ...TESTED_MACHINE,
        ...(engine && { engine }),
      });
      return this.machine;
    });
  }

  open(name: string, args: string[] = [], extra: Partial<OpenRequest> = {}): Promise<MachineInfo> {
    return this.session.open({
      name,
      elf: extra.elf ?? guest(name),
      args: [name, ...args],
      environment: [],
      stopAt: 'main',
      columns: 80,
      rows: 24,
      ...extra,
    });
  }

  get state(): MachineState {
    return this.states[this.states.length - 1];
  }

  get place(): string {
    const { symbol, offset } = this.state.harts[0].location;
    return offset === 0 ? String(symbol) : `${symbol}+${offset}`;
  }

  /** Until `condition` holds; the tests' only wait. */
  async until(condition: (state: MachineState) => boolean): Promise<MachineState> {
    for (let i = 0; i < 20_000; i++) {
      if (this.states.length > 0 && condition(this.state)) return this.state;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    throw new Error(`the machine stayed at ${JSON.stringify(this.state)}`);
  }

  stopped(): Promise<MachineState> {
    return this.until((state) => !state.running);
  }

  /** What the machine stopped for, after a command. */
  async after(command: Promise<void>): Promise<MachineState> {
    await command;
    return this.stopped();
  }

  hart(id: number): HartInfo {
    const found = this.state.harts.find((hart) => hart.id === id);
    if (!found) throw new Error(`hart ${id} does not live`);
    return found;
  }

  /** The machine behind the session. */
  get target(): Machine {
    if (!this.machine) throw new Error('no program is open');
    return this.machine;
  }

  end(): void {
    this.machine?.dispose();
  }
}
