import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { hartscope, type CommandResult } from '../unit/cli/memory-host';

/** The absolute path of QEMU, so that it is found whatever environment the guest gets. */
function findQemu(): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'command -v qemu-riscv64-static'], {
    encoding: 'utf8',
  });
  return stdout.trim() === '' ? undefined : stdout.trim();
}

/** The folder of Debian's programs, or why there is none. */
function fetchPrograms(): { folder?: string; reason?: string } {
  const script = fileURLToPath(new URL('../../scripts/riscv64-packages.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  return status === 0 ? { folder: stdout.trim() } : { reason: stderr.trim() };
}

const qemu = findQemu();

/** Debian's programs and QEMU; what is missing is said in `reason`. */
export const programs =
  qemu === undefined ? { reason: 'qemu-riscv64-static is not installed' } : fetchPrograms();

/** What a program is given. */
export interface ProgramInput {
  readonly args: readonly string[];
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

export function runInQemu(
  { args, input = '', env = {} }: ProgramInput,
  words: readonly string[],
): CommandResult {
  const { status, signal, stdout, stderr } = spawnSync(qemu ?? '', [...words, ...args], {
    input,
    env,
    maxBuffer: 1 << 26,
  });
  return { status: status ?? 128 + constants.signals[signal ?? 'SIGKILL'], stdout, stderr };
}

/** Runs it in this process. What Hartscope itself has to say is no output of the program: `notes`. */
export async function runHere(
  { args, input, env = {} }: ProgramInput,
  words: readonly string[],
): Promise<CommandResult & { notes: string[] }> {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const command = ['run', ...variables, ...words, ...args];
  const result = await hartscope(command, input === undefined ? {} : { input });
  const notes: string[] = [];
  const stderr = result.stderr
    .toString('latin1')
    .replace(/^hartscope: (.*)\n/gm, (_, note: string) => {
      notes.push(note);
      return '';
    });
  return { ...result, stderr: Buffer.from(stderr, 'latin1'), notes };
}

/** Text where it is text, so that a difference can be read. */
export function readable({ status, stdout, stderr }: CommandResult): object {
  const show = (bytes: Buffer): string => {
    const text = bytes.toString('utf8');
    return text.includes('\ufffd') ? bytes.toString('latin1') : text;
  };
  return { status, stdout: show(stdout), stderr: show(stderr) };
}

export function isSame(one: CommandResult, other: CommandResult): boolean {
  return (
    one.status === other.status &&
    one.stdout.equals(other.stdout) &&
    one.stderr.equals(other.stderr)
  );
}

/** A case as one line. */
export function titleOf(program: string, { args, input }: ProgramInput): string {
  const line = JSON.stringify([program, ...args].join(' ')).slice(1, -1);
  const size = input === undefined ? '' : ` < ${Buffer.from(input).length} bytes`;
  return (line.length > 70 ? `${line.slice(0, 67)}...` : line) + size;
}

interface Row {
  readonly command: string;
  readonly status: number;
  readonly bytes: number;
  readonly same: boolean;
  readonly notes: readonly string[];
}

/** The table of what was run: program, status, whether the output is QEMU's. */
export class ResultTable {
  private readonly rows: Row[] = [];

  add(row: Row): void {
    this.rows.push(row);
  }

  print(): void {
    const lines = this.rows.flatMap(({ command, status, bytes, same, notes }) => [
      [
        same ? 'same' : 'DIFFERENT',
        String(status).padStart(6),
        String(bytes).padStart(6),
        ` ${command}`,
      ],
      ...notes.map((note) => ['', '      ', '      ', `   ${note}`]),
    ]);
    const head = ['result', 'status', ' bytes', ' command'];
    const table = [head, ...lines].map(([result = '', ...rest]) => [result.padEnd(9), ...rest]);
    const equal = this.rows.filter((row) => row.same).length;
    console.log(
      [...table.map((row) => row.join(' ')), `${equal} of ${this.rows.length} as in QEMU`].join(
        '\n',
      ),
    );
  }
}
