import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileInput, FileOutput } from '../../../cli/host-streams';
import { ERRNO } from '../../../emulator/linux/abi/errno';

/* The bundle as `npm run build` makes it, started as a process with pipes, files and closed descriptors. */

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bundle = join(root, 'out', 'test-cli');
const scratch = mkdtempSync(join(tmpdir(), 'hartscope-process-'));

beforeAll(async () => {
  await build({
    root,
    configFile: join(root, 'vite.node.config.ts'),
    logLevel: 'error',
    build: { outDir: bundle },
  });
}, 120_000);
afterAll(() => {
  rmSync(scratch, { recursive: true });
  rmSync(bundle, { recursive: true, force: true });
});

/** Runs a line of shell in which `$H` is the command line. */
function shell(line: string, input: string | Uint8Array = ''): SpawnSyncReturns<string> {
  const H = `'${process.execPath}' '${join(bundle, 'hartscope.js')}'`;
  return spawnSync('bash', ['-c', line.replaceAll('$H', H)], {
    cwd: root,
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe('the built command line', () => {
  test('passes output, arguments and the status on', () => {
    const { stdout, stderr, status } = shell('$H run guests/bin/hello.elf "two words"; echo $?');
    expect({ stdout, stderr, status }).toEqual({
      stdout: 'Hello from RISC-V\nargument 1: two words\n0\n',
      stderr: '',
      status: 0,
    });
  });

  test('passes a pipe’s input on', () => {
    const { stdout } = shell('printf "6 * 7\\n1 +\\n" | $H run calc');
    expect(stdout).toContain('= 42\n');
  });

  test('a reader that leaves ends the guest with 141 and no word', () => {
    const line = '$H run mandelbrot 400 400 | head -n 1 >/dev/null; echo ${PIPESTATUS[0]}';
    const { stdout, stderr } = shell(line);
    expect({ stdout, stderr }).toEqual({ stdout: '141\n', stderr: '' });
  });

  test.each([
    ['INT', 130],
    ['TERM', 143],
  ])('SIG%s ends a profile, which has what ran until then', (signal, expected) => {
    const file = join(scratch, `${signal}.collapsed`);
    // The guest's first words tell that it runs.
    const line =
      `$H profile -o '${file}' spin >'${file}.out' 2>'${file}.err' & pid=$!; ` +
      `until [ -s '${file}.out' ]; do sleep 0.1; done; sleep 0.5; kill -${signal} $pid; wait $pid; echo $?`;
    const { stdout } = shell(line);
    expect(stdout).toBe(`${expected}\n`);
    const report = readFileSync(`${file}.err`, 'utf8');
    const counted = new RegExp(`^hartscope: SIG${signal} after (\\d+) instructions at `).exec(
      report,
    );
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const total = lines.reduce((sum, each) => sum + Number(each.split(' ').at(-1)), 0);
    expect(total).toBe(Number(counted?.[1]));
    expect(report).toContain(`\n${total.toLocaleString('en-US')} instructions\n`);
  });

  test('a reader that leaves ends the debugger with 141 and no word', () => {
    const line = '$H debug -c continue mandelbrot 400 400 | head -n 1; echo ${PIPESTATUS[0]}';
    const { stdout, stderr } = shell(line);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^Entry, hart 0: main at .*\n141\n$/);
  });

  test('a reader that leaves ends a listing with 141 and no word', () => {
    const { stdout, stderr } = shell('$H disasm glibc-hello | head -n 1; echo ${PIPESTATUS[0]}');
    expect({ stdout, stderr }).toEqual({ stdout: '\n141\n', stderr: '' });
  });

  test.each(['run hello', 'disasm hello', 'info hello', 'guests', '--help', '--version'])(
    'closed descriptors do not stop `%s`',
    (command) => {
      for (const closed of ['>&-', '2>&-', '<&-', '<&- >&- 2>&-']) {
        const { status, stderr } = shell(`$H ${command} ${closed}`);
        expect({ closed, status, stderr }).toEqual({ closed, status: 0, stderr: '' });
      }
    },
  );

  test('a full disk is an error in one line', () => {
    const { status, stderr } = shell('$H disasm hello >/dev/full');
    expect(status).toBe(1);
    expect(stderr).toBe('hartscope: standard output cannot be written: ENOSPC\n');
  });

  test('a directory as input is an end of input, with a word about it', () => {
    const { status, stderr } = shell('$H run calc < /');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^hartscope: standard input cannot be read: [^\n]+\n$/);
  });

  test('wrong use is one line and 2', () => {
    const { status, stdout, stderr } = shell('$H run --nonsense x');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^hartscope: unknown option '--nonsense'[^\n]*\n$/);
  });

  test('SIGINT ends a guest that does not wait for it', async () => {
    const child = spawn(process.execPath, [join(bundle, 'hartscope.js'), 'run', 'spin'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGINT');
    const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
    expect(signal).toBe('SIGINT');
  });
});

test('input is taken no further than the guest asks: the rest is the next program’s', () => {
  const path = join(scratch, 'shared');
  writeFileSync(path, 'for the guest, for the next');
  const descriptor = openSync(path, 'r');
  const input = new FileInput(descriptor, () => undefined);
  expect(Buffer.from(input.read(13)).toString()).toBe('for the guest');
  expect(readFileSync(descriptor, 'utf8')).toBe(', for the next');
  expect(input.read(1)).toBe('eof');
  closeSync(descriptor);
});

describe('descriptors that do not wait (O_NONBLOCK)', () => {
  function fifo(name: string): { path: string; descriptor: number } {
    const path = join(scratch, name);
    expect(spawnSync('sh', ['-c', `mkfifo '${path}'`]).status).toBe(0);
    return { path, descriptor: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) };
  }

  test('output waits for its reader and loses nothing', async () => {
    const { path, descriptor } = fifo('output');
    const reader = spawn('sh', ['-c', `sleep 0.2; head -c 1000000 '${path}' | sha256sum`]);
    let digest = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (digest += text));
    const ended = new Promise((resolve) => reader.once('close', resolve));
    const bytes = Buffer.alloc(1_000_000, 'abcdefg\n');
    expect(new FileOutput(descriptor).write(bytes)).toBe(bytes.length);
    await ended;
    closeSync(descriptor);
    expect(digest.split(' ')[0]).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('input waits for its writer', async () => {
    const { path, descriptor } = fifo('input');
    const writer = spawn('sh', ['-c', `sleep 0.2; printf hello > '${path}'`]);
    const ended = new Promise((resolve) => writer.once('close', resolve));
    const input = new FileInput(descriptor, () => undefined);
    expect(Buffer.from(input.read(100)).toString()).toBe('hello');
    await ended;
    closeSync(descriptor);
  });

  test('an error of the host is the guest’s errno', () => {
    const descriptor = openSync('/dev/full', 'w');
    expect(new FileOutput(descriptor).write(Buffer.from('x'))).toBe(-ERRNO.ENOSPC);
    closeSync(descriptor);
    expect(new FileOutput(openSync('/dev/null', 'r')).write(Buffer.from('x'))).toBe(-ERRNO.EBADF);
  });
});
