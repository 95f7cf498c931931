import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs } from './program-runner';

/*
 * Interactive programs of Debian under `hartscope run`, in a real pseudo-terminal with somebody who types. Python's pty
 * module makes the terminal.
 */

const { folder = '', reason: noPrograms } = programs;
const hasPython = spawnSync('python3', ['-c', 'import pty, termios']).status === 0;
const reason = noPrograms ?? (hasPython ? undefined : 'python3 is not installed');
if (reason !== undefined) console.warn(`terminal.test.ts is skipped: ${reason}`);

type Step =
  | { readonly expect: string }
  | { readonly type: string }
  | { readonly resize: readonly [number, number] }
  | { readonly pause: number };

const see = (text: string): Step => ({ expect: text });
const type = (text: string): Step => ({ type: text });
/** Long enough for a program to have come to where it waits, where it shows nothing that tells so. */
const settle: Step = { pause: 0.7 };

const CONTROL = { C: '\x03', D: '\x04', Z: '\x1a', BACKSLASH: '\x1c' } as const;
const ESCAPE = '\x1b';
/** bash's prompt, behind what turns on bracketed paste. */
const PROMPT = 'h$:';

let bundle = '';

beforeAll(async () => {
  if (reason !== undefined) return;
  bundle = await mkdtemp(join(tmpdir(), 'hartscope-cli-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(import.meta.dirname, '../../cli/index.ts'),
      outDir: bundle,
      rolldownOptions: { output: { entryFileNames: 'hartscope.mjs' } },
    },
    ssr: { noExternal: true },
  });
  await writeFile(join(bundle, 'package.json'), '{"type":"module"}');
});

afterAll(async () => {
  if (bundle !== '') await rm(bundle, { recursive: true, force: true });
});

interface Played {
  readonly output: string;
  readonly status: number | null;
  readonly missed: string | null;
}

function play(args: readonly string[], steps: readonly Step[]): Played {
  const driver = join(import.meta.dirname, '../support/pty-driver.py');
  const variables = ['PATH=/usr/bin:/bin', 'HOME=/tmp', 'LC_ALL=C', 'PS1=$:'];
  const command = [
    process.execPath,
    join(bundle, 'hartscope.mjs'),
    ...['run', '--root', folder, ...variables.flatMap((text) => ['-e', text])],
    ...args,
  ];
  const { stdout } = spawnSync('python3', [driver], {
    input: JSON.stringify({ command, steps }),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout) as Played;
}

/** What bash does with these steps behind its first prompt; it must come to its end. */
function inBash(...steps: readonly Step[]): string {
  const all = [see(PROMPT), ...steps, type('exit 7\r')];
  const { output, status, missed } = play(['/usr/bin/bash', '--norc', '-i'], all);
  expect(missed, output).toBeNull();
  expect(status).toBe(7);
  return output;
}

describe.skipIf(reason !== undefined)('in a terminal', { timeout: 120_000 }, () => {
  test('bash edits its line', () => {
    const output = inBash(
      type('abc\x7f\x7fx\x01echo \x05y\r'),
      see('\r\n'),
      see('axy'),
      see(PROMPT),
    );
    expect(output).not.toContain('not found');
  });

  test('^Z stops the foreground, jobs lists it, bg and fg let it go on, ^C ends it', () => {
    inBash(
      type('sleep 100\r'),
      settle,
      type(CONTROL.Z),
      see('Stopped'),
      see(PROMPT),
      type('bg\r'),
      see('sleep 100 &'),
      see(PROMPT),
      type('jobs\r'),
      see('Running'),
      see(PROMPT),
      type('fg\r'),
      settle,
      type(CONTROL.C),
      see(PROMPT),
      type('echo "<$?>"\r'),
      see('<130>'),
      see(PROMPT),
    );
  });

  test('^C and ^\\ reach all of a pipeline, ^D ends its input', () => {
    inBash(
      type('yes | cat > /dev/null\r'),
      settle,
      type(CONTROL.C),
      see(PROMPT),
      type('sleep 50 | sleep 60\r'),
      settle,
      type(CONTROL.BACKSLASH),
      see(PROMPT),
      type('cat | wc -l\r'),
      settle,
      type(`one\rtwo\r${CONTROL.D}`),
      see('2\r\n'),
      see(PROMPT),
    );
  });

  test('a process in the background that reads is stopped, and reads when it comes back', () => {
    inBash(
      type('cat &\r'),
      see(PROMPT),
      settle,
      type('\r'),
      see('Stopped'),
      see(PROMPT),
      type('fg\r'),
      settle,
      type(`late\r${CONTROL.D}`),
      see('late\r\nlate\r\n'),
      see(PROMPT),
    );
  });

  test('the window’s size reaches programs, which hear of changes', () => {
    inBash(
      type('stty size; trap "echo changed; stty size" WINCH; read x\r'),
      see('24 80'),
      settle,
      { resize: [30, 100] },
      settle,
      type('\r'),
      see('changed'),
      see('30 100'),
      see(PROMPT),
    );
  });

  test('vi writes a file that cat shows', () => {
    inBash(
      type('busybox vi /tmp/f\r'),
      see('24;1H'),
      settle,
      type('ifirst line\rsecond'),
      see('second'),
      type(ESCAPE),
      settle,
      type('kx:wq\r'),
      see(PROMPT),
      type('cat /tmp/f\r'),
      see('cat /tmp/f'),
      see('firstline\r\nsecond'),
      see(PROMPT),
    );
  });

  test('less pages, searches and ends, also behind a pipe', () => {
    inBash(
      type('seq 500 | less\r'),
      see('23\r\n'),
      type(' '),
      see('46\r\n'),
      type('/^4[0-9]2$\r'),
      see('402'),
      type('q'),
      see(PROMPT),
    );
  });
});
