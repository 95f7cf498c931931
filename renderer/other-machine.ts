import type { MachineEvents, MachineRequests, MachineState } from '../emulator/debug/protocol';
import type { ProgramFile } from '../preload/api';
import { connectMachine, machinePort, type MachineClient } from './machine-client';

/** How much of what a program prints last is kept, in characters. */
const LAST_WORDS = 300;
const NANOSECONDS = 1e6;

/** What a run took. */
interface FinishedRun {
  /** Host time as the window hears of it, in nanoseconds. */
  readonly time: number;
  readonly instructions: number;
}

/** A machine beside the window's: a process of its own in which a program is run from its beginning to its end. */
export class OtherMachine {
  private constructor(
    private readonly file: ProgramFile,
    private readonly id: number,
    private readonly client: MachineClient,
    private readonly stops: Stops,
  ) {}

  static async start(file: ProgramFile): Promise<OtherMachine> {
    const id = await window.hartscope.createMachine(file.sha256);
    const stops = new Stops();
    return new OtherMachine(file, id, connectMachine(await machinePort(id), stops.events), stops);
  }

  get requests(): MachineRequests {
    return this.client.requests;
  }

  /**
   * @param args argv without argv[0]
   * @param how says in an error what was special about the run
   * @throws Error with the program's last words when it does not end with status 0
   */
  async run(
    args: readonly string[],
    environment: readonly string[],
    how: string,
  ): Promise<FinishedRun> {
    const { file, requests, stops } = this;
    await requests.open({
      name: file.name,
      elf: file.bytes,
      args: [file.name, ...args],
      environment,
      columns: 80,
      rows: 24,
    });
    const stopped = stops.next();
    const begun = performance.now();
    await requests.run();
    const { stop, instructions } = await stopped;
    const time = NANOSECONDS * (performance.now() - begun);
    if (stop?.kind === 'exited' && stop.status === 0) return { time, instructions };
    const end = stop?.kind === 'exited' ? `status ${stop.status}` : (stop?.kind ?? 'no stop');
    const words = stops.lastWords === '' ? '' : `: ${stops.lastWords}`;
    throw new Error(`${file.name}${how} ended with ${end}${words}. Run it alone to see why.`);
  }

  /** @param reason what requests that are not answered yet are told */
  async end(reason: string): Promise<void> {
    this.client.close(reason);
    await window.hartscope.endMachine(this.id);
  }
}

/** Waits for a machine's stops. */
class Stops {
  private awaited: ((state: MachineState) => void) | undefined;
  private text = '';
  private readonly decoder = new TextDecoder();

  readonly events: MachineEvents = {
    stateChanged: (state) => {
      if (state.running || !state.stop || state.stop.kind === 'entry') return;
      this.awaited?.(state);
      this.awaited = undefined;
    },
    // The last words of a program that fails say why.
    output: (bytes) => (this.text = (this.text + this.decoder.decode(bytes)).slice(-LAST_WORDS)),
    breakpointsChanged: () => undefined,
    message: () => undefined,
  };

  next(): Promise<MachineState> {
    this.text = '';
    return new Promise((resolve) => (this.awaited = resolve));
  }

  get lastWords(): string {
    return this.text.trim().split('\n').at(-1) ?? '';
  }
}
