import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const GDB = 'gdb-multiarch';
const QEMU = 'qemu-riscv64-static';
const GCC = 'riscv64-linux-gnu-gcc';

/** Tools of the comparison with gdb that are not installed. */
export const missingForGdb: readonly string[] = [GDB, QEMU, GCC].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);

/** A frame as gdb or the debugger's own unwinder sees it. */
export interface ComparedFrame {
  readonly name: string | null;
  readonly pc: number;
  readonly inlined: boolean;
  readonly signal: boolean;
  readonly file: string | null;
  readonly line: number;
  /** Name, value as text, type. */
  readonly variables: readonly (readonly [name: string, value: string, type: string])[];
}

/** Compiles a program with static glibc and debugging information. */
export function compileForDebugging(
  directory: string,
  source: string,
  name: string,
  ...flags: readonly string[]
): string {
  const elf = join(directory, `${name}.elf`);
  const compiler = source.endsWith('.cpp') ? 'riscv64-linux-gnu-g++' : GCC;
  execFileSync(compiler, ['-g', '-static', ...flags, source, '-o', elf]);
  return elf;
}

/** As `compileForDebugging`, with shared libraries. */
export function compileDynamic(source: string, elf: string, ...flags: readonly string[]): void {
  execFileSync(GCC, ['-g', ...flags, source, '-o', elf]);
}

/** Runs a program in QEMU under gdb with commands; gives what gdb prints. */
async function runGdb(
  directory: string,
  elf: string,
  commands: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const socket = join(directory, 'gdb.socket');
  const qemu = spawn(QEMU, ['-g', socket, elf], { stdio: 'ignore' });
  try {
    while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 20));
    const setup = [
      'set pagination off',
      'set width 0',
      'set debuginfod enabled off',
      'handle SIGUSR1 nostop noprint pass',
      `target remote ${socket}`,
    ];
    const all = [...setup, ...commands].flatMap((command) => ['-ex', command]);
    return execFileSync(GDB, ['-nx', '-q', '-batch', ...all, elf], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 28,
      timeout: 60_000,
    });
  } finally {
    qemu.kill('SIGKILL');
  }
}

/** The frames at each stop of a program at breakpoints on a function, at most `stops` of them. */
export async function gdbStops(
  directory: string,
  elf: string,
  at: string,
  stops: number,
): Promise<readonly (readonly ComparedFrame[])[]> {
  const script = join(import.meta.dirname, 'gdb-stops.py');
  const commands = [`break ${at}`, `source ${script}`];
  const output = await runGdb(directory, elf, commands, { stops: String(stops) });
  return output
    .split('\n')
    .filter((line) => line.startsWith('STOP '))
    .map((line) => JSON.parse(line.slice(5)) as ComparedFrame[]);
}

/** What gdb prints of expressions in the caller's frame at the first stop at a breakpoint: `checkpoint if number == 3`. */
export async function gdbValues(
  directory: string,
  elf: string,
  at: string,
  expressions: readonly string[],
): Promise<string[]> {
  const prints = expressions.flatMap((each) => ['echo VALUE', `output ${each}`, 'echo \\n']);
  const output = await runGdb(directory, elf, [
    'set print static-members off',
    `break ${at}`,
    'continue',
    'up',
    ...prints,
  ]);
  return output.split('\n').flatMap((line) => (line.startsWith('VALUE') ? line.slice(5) : []));
}

/** The addresses that gdb gives breakpoints on lines of a file, ascending; lines that have none are left out. */
export function gdbBreakpoints(
  elf: string,
  file: string,
  lines: readonly number[],
): ReadonlyMap<number, readonly number[]> {
  const setup = ['set pagination off', 'set width 0', 'set debuginfod enabled off'];
  const commands = lines.flatMap((line) => [
    `echo LINE ${line}\\n`,
    `break ${file}:${line}`,
    'info breakpoints',
    'delete',
  ]);
  const all = [...setup, ...commands].flatMap((command) => ['-ex', command]);
  const output = execFileSync(GDB, ['-nx', '-q', '-batch', ...all, elf], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  const found = new Map<number, number[]>();
  for (const part of output.split(/^LINE /m).slice(1)) {
    const addresses = [...part.matchAll(/^[\d.]+\s.*?(0x[0-9a-f]{16}) (?:in |<)/gm)].map(([, at]) =>
      Number(at),
    );
    if (addresses.length > 0)
      found.set(
        Number.parseInt(part, 10),
        addresses.sort((a, b) => a - b),
      );
  }
  return found;
}
