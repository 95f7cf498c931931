import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findGuest, guestPath } from '../../../cli/catalogue';
import { hartscope } from './memory-host';

const guests = fileURLToPath(new URL('../../../guests', import.meta.url));

/** One run of a bundled guest, and how it ends in QEMU (guests/expected/runs.json). */
interface Run {
  readonly guest: string;
  readonly arguments: readonly string[];
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly signal?: 'SIGSEGV' | 'SIGILL';
  readonly endless?: boolean;
  readonly output: string;
}
const { runs } = JSON.parse(readFileSync(`${guests}/expected/runs.json`, 'utf8')) as {
  runs: readonly Run[];
};
const SIGNALS = { SIGILL: 4, SIGSEGV: 11 };

async function text(
  ...args: string[]
): Promise<{ status: number; out: string; err: string; lines: string[] }> {
  const { status, stdout, stderr } = await hartscope(['run', ...args]);
  const err = stderr.toString();
  return { status, out: stdout.toString(), err, lines: err.trimEnd().split('\n') };
}

describe('a bundled guest does what it does in QEMU', () => {
  const withoutTimes = (output: string): string =>
    output.replace(/(_us=|time=)[0-9.]+/g, '$1<time>');

  test.each(runs.map((run) => [`${run.guest} ${run.arguments.join(' ')}`, run] as const))(
    '%s',
    async (_, run) => {
      const { guest, input, environment = {}, signal, endless = false } = run;
      const variables = Object.entries(environment).flatMap((pair) => ['-e', pair.join('=')]);
      const limit = endless ? ['--max-instructions', '2e6'] : [];
      const command = ['run', ...variables, ...limit, guest, ...run.arguments];
      const { status, stdout } = await hartscope(command, input === undefined ? {} : { input });
      const expected = signal === undefined ? (run.status ?? 0) : 128 + SIGNALS[signal];
      expect(status).toBe(endless ? 124 : expected);
      const output = readFileSync(`${guests}/expected/${run.output}`, 'utf8');
      expect(withoutTimes(stdout.toString())).toBe(output);
    },
  );
});

describe('arguments and options', () => {
  test('what follows the program is the guest’s, options and -- included', async () => {
    const { out } = await text('hello', '--stats', '--', '--help', '-m');
    expect(out).toBe(
      'Hello from RISC-V\nargument 1: --stats\nargument 2: --\nargument 3: --help\nargument 4: -m\n',
    );
  });

  test('-- before the program ends the options of run', async () => {
    expect(await text('--', 'hello', 'x')).toMatchObject({
      status: 0,
      out: 'Hello from RISC-V\nargument 1: x\n',
    });
  });

  test('--guest takes names of guests only', async () => {
    expect((await text('--guest', 'hello')).status).toBe(0);
    expect((await text('--guest', './guests/bin/hello.elf')).status).toBe(127);
  });

  test('--max-instructions ends an endless guest after exactly so many', async () => {
    const { status, err } = await text('--max-instructions', '1_000_000', 'spin');
    expect(status).toBe(124);
    expect(err).toMatch(/^hartscope: ended after 1000000 instructions .* <main\+0x[0-9a-f]+>\n$/);
  });

  test('--max-instructions does not touch a guest that ends before', async () => {
    expect(await text('--max-instructions', '1e9', 'hello')).toMatchObject({ status: 0, err: '' });
  });

  test('--stats says how much ran, on standard error', async () => {
    const { out, err } = await text('--stats', 'hello');
    expect(out).toBe('Hello from RISC-V\n');
    expect(err).toMatch(
      /^hartscope: [1-9]\d* instructions in [\d.]+ s \([\d.]+ MIPS\), [1-9]\d* system calls, [\d.]+ MiB of memory at most\n[^\n]* in translated code: [^\n]*\n$/,
    );
  });

  test.each(['interpreter', 'translator', 'auto'])('--engine %s runs the same', async (engine) => {
    const { out, err } = await text('--stats', '--engine', engine, 'sieve');
    expect(out).toBe((await text('sieve')).out);
    expect(err).toMatch(engine === 'interpreter' ? /\(0\.0 %\) in tr/ : /\([1-9][\d.]* %\) in tr/);
  });

  test('--strace prints a line for each system call', async () => {
    const { lines } = await text('--strace', 'hello');
    expect(lines.find((line) => line.includes('write(1, "Hello from RISC-V\\n'))).toMatch(/= 18$/);
    expect(lines.at(-1)).toMatch(/exit(_group)?\(0\)/);
  });

  test('too little memory for the program is one line and 126', async () => {
    const { status, out, lines } = await text('--memory', '64K', 'glibc-hello');
    expect({ status, out, count: lines.length }).toEqual({ status: 126, out: '', count: 1 });
    expect(lines[0]).toMatch(/^hartscope: glibc-hello: .*memory/);
  });

  test('arguments beyond Linux’s limit are one line and 126', async () => {
    const { status, lines } = await text('hello', 'x'.repeat(200_000));
    expect({ status, count: lines.length }).toEqual({ status: 126, count: 1 });
    expect(lines[0]).toContain('131072 is the most');
  });
});

describe('the end of a guest', () => {
  test.each([
    ['null', 139, /SIGSEGV at pc 0x[0-9a-f]+: .*0x0.*<null_write\+0x/],
    ['illegal', 132, /SIGILL at pc/],
    ['stack', 139, /SIGSEGV at pc/],
    ['text', 139, /SIGSEGV at pc/],
    ['nowhere', 139, /SIGSEGV at pc/],
  ])('crash %s: status %i and one line with what and where', async (way, status, message) => {
    const { status: actual, lines } = await text('crash', way);
    expect(actual).toBe(status);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
  });

  test('--quiet keeps the status and says nothing', async () => {
    expect(await text('--quiet', 'crash')).toMatchObject({ status: 139, err: '' });
  });

  test('a reader that has gone ends it by SIGPIPE, without a word', async () => {
    const { status, stdout, stderr } = await hartscope(['run', 'mandelbrot', '200', '200'], {
      closesAfter: 1,
    });
    expect(status).toBe(141);
    expect(stdout.length).toBeGreaterThan(0);
    expect(stderr.toString()).toBe('');
  });
});

test('a guest by path is the same program', async () => {
  const guest = findGuest('hello');
  expect(guest).toBeDefined();
  if (guest !== undefined) expect((await text(guestPath(guest))).out).toBe('Hello from RISC-V\n');
});
