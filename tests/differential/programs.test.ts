import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { hartscope, type CommandResult } from '../unit/cli/memory-host';
import { PROGRAM_CASES, type ProgramCase } from './program-cases';

/*
 * Programs that we have not built ourselves: Debian's static riscv64 busybox, bash and mksh, linked with
 * glibc, musl and klibc. `hartscope run` gives what QEMU gives: every byte of standard output and standard
 * error, and the exit status.
 */

const PLACES: Readonly<Record<ProgramCase['program'], string>> = {
  busybox: 'usr/bin/busybox',
  bash: 'usr/bin/bash-static',
  'mksh-musl': 'usr/lib/riscv64-linux-musl/bin/mksh',
  'mksh-klibc': 'usr/lib/klibc/bin/mksh',
  musl: 'usr/lib/riscv64-linux-musl/libc.so',
};

/** The absolute path of QEMU, so that it is found whatever environment the guest gets. */
function findQemu(): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'command -v qemu-riscv64-static'], {
    encoding: 'utf8',
  });
  return stdout.trim() === '' ? undefined : stdout.trim();
}

/** The folder of the programs, or why there is none. */
function fetchPrograms(): { folder?: string; reason?: string } {
  const script = fileURLToPath(new URL('../../scripts/riscv64-packages.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  return status === 0 ? { folder: stdout.trim() } : { reason: stderr.trim() };
}

const qemu = findQemu();
const { folder, reason } =
  qemu === undefined ? { reason: 'qemu-riscv64-static is not installed' } : fetchPrograms();
if (folder === undefined) console.warn(`programs.test.ts is skipped: ${reason}`);

function runInQemu({ args, input = '', env = {} }: ProgramCase, path: string): CommandResult {
  const { status, signal, stdout, stderr } = spawnSync(qemu ?? '', [path, ...args], { input, env });
  return { status: status ?? 128 + constants.signals[signal ?? 'SIGKILL'], stdout, stderr };
}

/** Runs it in this process. What Hartscope itself has to say is no output of the program: `notes`. */
async function runHere(
  { args, input, env = {} }: ProgramCase,
  path: string,
): Promise<CommandResult & { notes: string[] }> {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const command = ['run', ...variables, path, ...args];
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
function readable({ status, stdout, stderr }: CommandResult): object {
  const show = (bytes: Buffer): string => {
    const text = bytes.toString('utf8');
    return text.includes('\ufffd') ? bytes.toString('latin1') : text;
  };
  return { status, stdout: show(stdout), stderr: show(stderr) };
}

const title = ({ program, args, input }: ProgramCase): string => {
  const line = JSON.stringify([program, ...args].join(' ')).slice(1, -1);
  const size = input === undefined ? '' : ` < ${Buffer.from(input).length} bytes`;
  return (line.length > 70 ? `${line.slice(0, 67)}...` : line) + size;
};

describe.skipIf(folder === undefined)('a program from Debian does what it does in QEMU', () => {
  const rows: {
    command: string;
    status: number;
    bytes: number;
    same: boolean;
    notes: readonly string[];
  }[] = [];

  test.each(PROGRAM_CASES.map((item) => [title(item), item] as const))('%s', async (name, item) => {
    const path = join(folder ?? '', PLACES[item.program]);
    const expected = runInQemu(item, path);
    const actual = await runHere(item, path);
    const same =
      actual.status === expected.status &&
      actual.stdout.equals(expected.stdout) &&
      actual.stderr.equals(expected.stderr);
    const { status, stdout, notes } = actual;
    rows.push({ command: name, status, bytes: stdout.length, same, notes });
    expect(readable(actual)).toEqual(readable(expected));
    expect(same).toBe(true);
  });

  afterAll(() => {
    const lines = rows.flatMap(({ command, status, bytes, same, notes }) => [
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
    const equal = rows.filter((row) => row.same).length;
    console.log(
      [...table.map((row) => row.join(' ')), `${equal} of ${rows.length} as in QEMU`].join('\n'),
    );
  });
});
