import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { Schedule } from '../../emulator';
import { DebugConsole } from '../../emulator/debug/console/console';
import type { Reply } from '../../emulator/debug/console/console-types';
import type { OpenRequest } from '../../emulator/debug/protocol';
import { foldersAbove, LocalMachine, type LocalOptions } from '../debug/local-machine';
import { CommandError, describeSystemError, OutputClosed, STATUS } from '../errors';
import { openFiles } from '../guest-files';
import {
  addGuestOptions,
  chooseProgram,
  describeLoadError,
  type GuestOptions,
} from '../guest-options';
import type { Host } from '../host';
import { choosePool } from '../pool';
import type { ProgramFile } from '../program-file';
import { parseScheduleOption } from '../values';

const EXAMPLES = `
The program stops at main. Then verbs are typed, as in gdb: help lists them. ^C pauses a program
that runs; what is typed meanwhile is its input. Without a terminal verbs come from standard input.

The exit status is 0, 1 when a verb could not be done (a script ends there), and as of hartscope run
when the program cannot be loaded.

Examples:
  hartscope debug mp-dot
  hartscope debug -c 'break dot' -c continue -c 'info harts' mp-dot
  hartscope debug -x commands --json ./program argument
`;

const DONE = 0;
const PROMPT = '(hartscope) ';
const COLUMNS = 80;
const ROWS = 24;

interface Options extends GuestOptions {
  readonly batch?: boolean;
  readonly json?: boolean;
  readonly stopAt?: string;
  readonly schedule?: Schedule;
}

/** A verb of `-x` or `-c`. */
interface ScriptLine {
  readonly text: string;
  /** Where it stands, when it is from a file: the line's number from 1. */
  readonly from?: { readonly file: string; readonly line: number };
}

/** The verbs in a file, one a line. */
function readScript(path: string): ScriptLine[] {
  try {
    const lines = readFileSync(path, 'utf8').split(/\r?\n/);
    return lines.map((text, n) => ({ text, from: { file: path, line: n + 1 } }));
  } catch (error) {
    throw new InvalidArgumentError(`${path}: ${describeSystemError(error)}`);
  }
}

/**
 * `hartscope debug`: the debugger in a terminal.
 * @param end is told the exit status
 */
export function debugCommand(host: Host, end: (status: number) => void): Command {
  const scripts: ScriptLine[] = [];
  const command = new Command('debug')
    .summary('debug a program in the terminal')
    .description('Runs a RISC-V Linux program under the debugger.')
    .argument('<ELF>', 'the program, or the name of a bundled guest')
    .argument('[args...]', "the program's arguments")
    .option('-x, --execute <file>', 'do the verbs in a file; repeatable', (path: string) => {
      scripts.push(...readScript(path));
    })
    .option('-c, --command <verb>', 'do a verb; repeatable, in order with -x', (line: string) => {
      scripts.push({ text: line });
    })
    .option('--batch', 'end after the verbs of -x and -c')
    .option('--json', 'print one JSON object for each answer and event')
    .option('--stop-at <symbol>', 'where the program stops first [main]')
    .option('--schedule <order>', 'parallel, or interleaved[:quantum[:seed]]', parseScheduleOption);
  return addGuestOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, args: string[], options: Options) => {
      const files = openFiles(options);
      try {
        const { file, guestPath } = chooseProgram(files, name, options);
        const pool = choosePool(options.threads);
        const local: LocalOptions = {
          files,
          ...(guestPath !== undefined && { path: guestPath }),
          ...(pool && { pool }),
          ...(options.schedule && { schedule: options.schedule }),
          ...(options.vcpuLimit !== undefined && { vcpuLimit: options.vcpuLimit }),
        };
        end(await new Debugging(host, file, args, options, local).run(scripts));
      } finally {
        files.dispose();
      }
    });
}

/** One run of the command. */
class Debugging {
  private readonly machine: LocalMachine;
  private readonly console: DebugConsole;
  private readonly decoder = new TextDecoder();
  /** What came of printing while the program ran: standard output is closed or full. */
  private outputFailure: Error | undefined;

  constructor(
    private readonly host: Host,
    private readonly file: ProgramFile,
    private readonly args: readonly string[],
    private readonly options: Options,
    local: LocalOptions,
  ) {
    const message = (text: string): void =>
      this.whileRunning(() => this.event('message', text, { text }));
    const output = (bytes: Uint8Array, hart: number): void =>
      this.whileRunning(() => this.output(bytes, hart));
    this.machine = new LocalMachine({ ...local, log: message }, { output, message }, [
      process.cwd(),
      ...foldersAbove(resolve(file.path)),
    ]);
    this.console = new DebugConsole(this.machine);
  }

  /** @param scripts verbs that are done before any are read */
  async run(scripts: readonly ScriptLine[]): Promise<number> {
    try {
      await this.open();
      for (const { text, from } of scripts) {
        if (isQuit(text)) return DONE;
        if (!(await this.perform(text, true, from))) return STATUS.failed;
      }
      return this.options.batch === true ? DONE : await this.read();
    } finally {
      this.machine.dispose();
    }
  }

  private async open(): Promise<void> {
    const { file, args, options } = this;
    const request: OpenRequest = {
      name: file.name,
      elf: file.bytes,
      args: [file.name, ...args],
      environment: [...(options.env ?? [])].map(([name, value]) => `${name}=${value}`),
      ...(options.memory !== undefined && { memoryLimit: options.memory }),
      stopAt: options.stopAt ?? 'main',
      columns: COLUMNS,
      rows: ROWS,
    };
    try {
      await this.machine.open(request);
    } catch (error) {
      throw describeLoadError(error, file);
    }
    const wanted = options.stopAt?.replace(/^call /, '');
    if (wanted !== undefined && !this.machine.knows(wanted)) {
      throw new CommandError(`${file.name}: has no symbol ${wanted}, which --stop-at wants`);
    }
    await this.perform('where', false);
  }

  /** Does the verbs that are typed, or that come from a pipe, until their end. */
  private async read(): Promise<number> {
    const lines = this.host.openLines({
      complete: async (line) => {
        const { from, words } = await this.console.complete(line);
        return [[...words], line.slice(from)];
      },
      interrupt: () => void this.machine.pause(),
      typed: (line) => void this.machine.requests.terminalInput(Buffer.from(`${line}\n`)),
    });
    try {
      for (;;) {
        const line = await lines.next(PROMPT);
        if (line === undefined || isQuit(line)) return DONE;
        const done = await this.perform(line, !lines.isTerminal);
        if (!done && !lines.isTerminal) return STATUS.failed;
      }
    } finally {
      lines.close();
    }
  }

  /**
   * Does a line and prints the answer.
   * @param echo prints the line too, as if it had been typed
   * @param from the script that it is of, which is told with what is wrong
   * @returns false when it could not be done
   */
  private async perform(line: string, echo: boolean, from?: ScriptLine['from']): Promise<boolean> {
    const isSilent = line.trim() === '' || line.trim().startsWith('#');
    if (echo && isSilent) return true;
    if (echo && this.options.json !== true) this.host.out(`${PROMPT}${line}\n`);
    try {
      const reply = await this.console.execute(line);
      if (this.outputFailure !== undefined) throw this.outputFailure;
      this.answer(line, reply);
      return true;
    } catch (error) {
      if (error instanceof OutputClosed || error instanceof CommandError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      const place = from ? `${from.file}:${from.line}: ` : '';
      this.print({ command: line, ...from, error: text }, `${place}${text}`);
      return false;
    } finally {
      this.host.flush();
    }
  }

  /** Prints for the program, which knows nothing of failures: it pauses, and the verb fails. */
  private whileRunning(print: () => void): void {
    if (this.outputFailure !== undefined) return;
    try {
      print();
    } catch (error) {
      this.outputFailure = error instanceof Error ? error : new Error(String(error));
      if (this.machine.isRunning) void this.machine.pause();
    }
  }

  private answer(line: string, { text, data }: Reply): void {
    this.print({ command: line, text, ...data }, text);
  }

  private output(bytes: Uint8Array, hart: number): void {
    // The terminal has put carriage returns before newlines.
    const text = this.decoder.decode(bytes, { stream: true }).replaceAll('\r\n', '\n');
    if (this.options.json === true) this.event('output', text, { text, hart });
    else this.host.out(text);
    this.host.flush();
  }

  private event(event: string, text: string, data: Record<string, unknown>): void {
    this.print({ event, ...data }, text);
  }

  private print(object: Record<string, unknown>, text: string): void {
    if (this.options.json === true) this.host.out(`${JSON.stringify(object)}\n`);
    else if (text !== '') this.host.out(`${text}\n`);
  }
}

const isQuit = (line: string): boolean => /^\s*(q|quit|exit)\s*$/.test(line);
