import {
  describeStop,
  FIRST_MOMENT,
  FORMAT,
  formatEvent,
  stateHash,
  Terminal,
  type Machine,
  type MachineOptions,
  type MachineStop,
  type RecordedEnd,
  type RecordedMachine,
  type Recording,
  type Schedule,
  type StandardStreams,
} from '../emulator';
import { CommandError, usageError } from './errors';
import { LineFile, programHash, readRecording, RecordingFile } from './recording';

/** What of the command's options is about repeatable runs. */
export interface RepeatOptions {
  readonly schedule?: Schedule;
  readonly record?: string;
  readonly replay?: string;
  readonly events?: string;
}

/** Whether the run is to be the same each time. */
export function isRepeatable({ schedule = 'parallel', replay }: RepeatOptions): boolean {
  return schedule !== 'parallel' || replay !== undefined;
}

/** The clock of files in a repeatable run: they are there before the machine whose time they have. */
export class FileTime {
  machine: Machine | undefined;

  now(): bigint {
    return this.machine?.kernel.clock.realtime() ?? FIRST_MOMENT;
  }
}

type Given = Pick<MachineOptions, 'elf' | 'args' | 'environment' | 'memoryLimit' | 'streams'>;

/** A run as its options want it: by a schedule, recorded, or led by a recording. */
export class RepeatableRun {
  readonly machineOptions: Partial<MachineOptions>;
  /** The recording that leads the run. */
  readonly recording: Recording | undefined;
  private readonly file: RecordingFile | undefined;
  private readonly events: LineFile | undefined;
  private positions = new Uint32Array(0);

  /**
   * @param given what the machine would be made of otherwise
   * @throws CommandError when options do not go together, or a file cannot be read or written
   */
  constructor(options: RepeatOptions, given: Given) {
    const { schedule = 'parallel', record, replay } = options;
    if (replay !== undefined) {
      if (record !== undefined) throw usageError('--record and --replay do not go together');
      if (options.schedule) throw usageError('--replay has the schedule of the recording');
      this.recording = readRecording(replay, given.elf);
      this.machineOptions = replayed(this.recording, given.streams);
    } else if (record !== undefined) {
      if (schedule === 'parallel') throw usageError('--record needs --schedule interleaved');
      const file = new RecordingFile(record, describe(schedule, given));
      this.file = file;
      this.machineOptions = { schedule, record: (entry) => file.add(entry) };
    } else this.machineOptions = { schedule };
    if (options.events !== undefined) this.events = new LineFile(options.events);
  }

  /** The machine is there and has not run. */
  begin({ arena }: Machine): void {
    const { events } = this;
    if (!events) return;
    this.positions = new Uint32Array(arena.counts.harts);
    if (this.machineOptions.schedule === 'parallel') return;
    arena.events.listener = (event) => events.write(`${formatEvent(event)}\n`);
  }

  /** Now and then while it runs: rings keep only so many events. */
  collect({ arena }: Machine): void {
    const { events } = this;
    if (!events || arena.events.listener) return;
    const batch = arena.events.readAll(this.positions);
    if (batch.lost > 0) events.write(`${batch.lost} events were lost\n`);
    for (const event of batch.events) events.write(`${formatEvent(event)}\n`);
  }

  /**
   * The run is over.
   * @throws CommandError when it was led by a recording and is not the recorded one
   */
  finish(machine: Machine, stop: MachineStop): void {
    this.collect(machine);
    const end = this.file || this.recording?.end ? endOf(machine, stop) : undefined;
    if (end) this.file?.add(end);
    const recorded = this.recording?.end;
    if (!end || !recorded) return;
    if (JSON.stringify(end) === JSON.stringify({ ...recorded })) return;
    const what = (['stop', 'at', 'events', 'state'] as const).find(
      (field) => end[field] !== recorded[field],
    );
    throw new CommandError(
      `the run is not the recorded one: ${what} is ${what && end[what]}, recorded ${what && recorded[what]}`,
    );
  }

  close(): void {
    this.file?.close();
    this.events?.close();
  }
}

function endOf(machine: Machine, stop: MachineStop): RecordedEnd {
  return {
    kind: 'end',
    at: machine.instructions,
    events: machine.arena.events.count,
    stop: describeStop(stop),
    state: stateHash(machine.liveHarts),
  };
}

function describe(
  schedule: RecordedMachine['schedule'],
  { elf, args = [], environment = [], memoryLimit, streams }: Given,
): RecordedMachine {
  const all = [streams.stdin, streams.stdout, streams.stderr];
  const terminals = all.flatMap(({ isTerminal }, n) => (isTerminal ? [n] : []));
  const size = all.find(({ terminal }) => terminal)?.terminal?.windowSize;
  return {
    format: FORMAT,
    schedule,
    program: programHash(elf),
    args,
    environment,
    ...(memoryLimit !== undefined && { memoryLimit }),
    terminals,
    ...(size && { size }),
  };
}

/** The machine of a recording, which prints where the present streams do. */
function replayed(
  { machine, entries }: Recording,
  streams: StandardStreams,
): Partial<MachineOptions> {
  const { schedule, args, environment, memoryLimit, terminals, size } = machine;
  const { columns = 80, rows = 24 } = size ?? {};
  const now = (): number => performance.now();
  const output = (bytes: Uint8Array): void => void streams.stdout.write(withoutReturns(bytes));
  const terminal = new Terminal({ columns, rows, now, output });
  const stream = (n: 1 | 2): StandardStreams['stdout'] => {
    const host = n === 1 ? streams.stdout : streams.stderr;
    return terminals.includes(n)
      ? terminal
      : { isTerminal: false, write: (bytes) => host.write(bytes) };
  };
  return {
    schedule,
    args,
    environment,
    ...(memoryLimit !== undefined && { memoryLimit }),
    streams: {
      stdin: terminals.includes(0) ? terminal : { isTerminal: false, read: () => 'wait' },
      stdout: stream(1),
      stderr: stream(2),
    },
    replay: entries,
  };
}

/** Lines end as text does, whatever the recorded terminal made of them. */
function withoutReturns(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, i) => !(byte === 0x0d && bytes[i + 1] === 0x0a));
}
