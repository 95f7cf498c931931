import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DebugConsole } from '../../../emulator/debug/console/console';
import { Client } from '../debug/client';
import { hartscope } from './memory-host';

/** What the debugger prints for a script, with the script's lines where they were done. */
async function transcript(args: readonly string[], script: readonly string[]): Promise<string> {
  const verbs = script.flatMap((line) => ['-c', line]);
  const options = ['--batch', '--threads', '0', ...verbs];
  const { status, stdout, stderr } = await hartscope(['debug', ...options, ...args]);
  // Where the stack begins depends on what the kernel puts there.
  const text = `${stdout.toString()}${stderr.toString()}`.replace(/0xff[0-9a-f]{6}\b/g, '<stack>');
  return `$ hartscope debug ${args.join(' ')}\n${text}status ${status}\n`;
}

/** Sessions that a person would have; `npx vitest run -u` writes them anew, to be read before they are believed. */
describe('the debugger in a terminal', () => {
  test.each<[string, string[], string[]]>([
    [
      'step-over-multiprocess',
      ['mp-dot', 'post'],
      [
        'until mp-dot.c:50',
        'info harts',
        'next',
        'info harts',
        'info pages',
        'catch loan',
        'continue',
        'hart 1 info pages',
        'delete',
        'finish',
        'info tasks',
        'info events 5 fork loan',
        'continue',
      ],
    ],
    [
      'write-in-hart-3',
      ['mp-dot'],
      [
        'print &partial[2]',
        'watch partial[2] hart 3',
        'continue',
        'print partial[2]',
        'every u32(&partial[2])',
        'info breakpoints',
        'delete 1',
        'continue',
      ],
    ],
    [
      'edit-and-continue',
      ['fib'],
      ['break fib', 'continue', 'print a0', 'set a0 = 10', 'delete', 'continue'],
    ],
    [
      'find-the-race',
      ['mp-race'],
      [
        'fork',
        'rwatch shared.total hits = 1',
        'hart 1 continue',
        'delete',
        '# Hart 1 has read 0. Hart 2 reads it too, and adds 2.',
        'watch shared.total',
        'hart 2 continue',
        '# Hart 1 adds 1 to the 0 that it has: the 2 is lost.',
        'hart 1 continue',
        'print shared.total',
        'info breakpoints',
      ],
    ],
    [
      'printf-and-back',
      ['glibc-hello', 'one'],
      [
        'break printf',
        'continue',
        'backtrace',
        'x/s $a0',
        'finish',
        'next',
        'list',
        'delete',
        'tbreak glibc-hello.c:49',
        'display $a0',
        'continue',
        'undisplay',
        'step',
        'info registers a0',
        'finish',
        'print $a0',
        'next',
      ],
    ],
    ['help', ['hello'], ['help']],
    [
      'lockstep',
      ['mp-dot'],
      [
        'barrier dot',
        'continue',
        'harts',
        'group leave',
        'hart 2 stepi',
        'together',
        'freeze 3',
        'name 4 last',
        'continue',
        'harts',
        'kill 3',
        'continue',
      ],
    ],
  ])('%s', async (name, args, script) => {
    await expect(await transcript(args, script)).toMatchFileSnapshot(`transcripts/${name}.txt`);
  });

  test('prints one JSON object for each answer and event', async () => {
    const { status, stdout } = await hartscope([
      ...['debug', '--json', '--batch', '--threads', '0'],
      // A small number: the rest of the run takes no time.
      ...['-c', 'until fib', '-c', 'set a0 = 15'],
      ...['-c', 'break fib log "fib({a0})" if a0 == 14', '-c', 'continue', 'fib'],
    ]);
    const objects = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(status).toBe(0);
    expect(objects.map(({ command, event }) => command ?? event)).toEqual([
      'where',
      'until fib',
      'set a0 = 15',
      'break fib log "fib({a0})" if a0 == 14',
      'message',
      'output',
      'continue',
    ]);
    expect(objects[0]).toMatchObject({ stop: { kind: 'entry' }, hart: 0 });
    expect(objects[4]).toEqual({ event: 'message', text: '1: fib(14)' });
    expect(objects[5]).toEqual({ event: 'output', text: 'fib(27) = 610\n', hart: 0 });
    expect(objects[6]).toMatchObject({ stop: { kind: 'exited', status: 0 } });
  });

  test('its JSON is the same each time', async () => {
    const verbs = ['break fib', 'continue', 'print a0', 'set a0 = 3', 'info breakpoints', 'delete'];
    const script = [...verbs, 'backtrace 1', 'x/2xw pc', 'finish', 'continue', 'fly'];
    const options = ['--json', '--batch', '--threads', '0', ...script.flatMap((c) => ['-c', c])];
    const { status, stdout } = await hartscope(['debug', ...options, 'fib']);

    const session = `$ hartscope debug --json fib\n${stdout.toString()}status ${status}\n`;
    await expect(session).toMatchFileSnapshot('transcripts/json.txt');
  });

  test('does each verb that help lists, from a file', async () => {
    const { stdout: listed } = await hartscope(['debug', '--batch', '-c', 'help', 'hello']);
    const verbs = [...listed.toString().matchAll(/^ {2}([a-z]+)(?:, \S+)* /gm)].map(
      ([, name]) => name,
    );
    const file = join(import.meta.dirname, 'every-verb.txt');
    const script = readFileSync(file, 'utf8');
    const used = new Set(script.split('\n').map((line) => line.split(/[ /]/)[0]));
    expect(verbs.length).toBeGreaterThan(50);
    expect(verbs.filter((name) => !used.has(name))).toEqual([]);
    const options = ['--batch', '--threads', '0', '-x', file];
    const { status, stdout } = await hartscope(['debug', ...options, 'mp-dot']);
    expect(status, stdout.toString().slice(-300)).toBe(0);
    expect(stdout.toString()).toContain('(hartscope) echo every verb\nevery verb\n');
  });

  test('a file with verbs ends where one cannot be done, and says in which line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hartscope-verbs-'));
    try {
      const file = join(folder, 'verbs');
      writeFileSync(file, '# A remark.\r\n\r\nprint 1\r\nprint nothing\r\nprint 2\r\n');
      const options = ['--batch', '--threads', '0', '-x', file, 'fib'];
      const { status, stdout } = await hartscope(['debug', ...options]);
      expect(status).toBe(1);
      expect(stdout.toString()).toMatch(/= 1\n/);
      expect(stdout.toString()).not.toMatch(/= 2\n/);
      const problem = 'No variable, register or symbol is called nothing.';
      expect(stdout.toString()).toContain(`${file}:4: ${problem}\n`);
      const json = await hartscope(['debug', '--json', ...options]);
      const last = JSON.parse(json.stdout.toString().trim().split('\n').at(-1) ?? '') as unknown;
      expect(last).toEqual({ command: 'print nothing', file, line: 4, error: problem });
      const { status: noFile, stderr } = await hartscope(['debug', '-x', `${file}.none`, 'fib']);
      expect(noFile).not.toBe(0);
      expect(stderr.toString()).toContain(`${file}.none`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('takes verbs from standard input, and gives the program its own', async () => {
    const { status, stdout } = await hartscope(['debug', '--threads', '0', 'calc'], {
      input: 'input 6*7\ninput \\x04\\c\nrun\nquit\n',
    });
    expect(status).toBe(0);
    expect(stdout.toString()).toContain('42');
    expect(stdout.toString()).toContain('The program has exited with status 0.');
  });

  test('a script ends where a verb cannot be done, with status 1', async () => {
    const verbs = ['-c', 'print 1', '-c', 'fly', '-c', 'print 2'];
    const { status, stdout } = await hartscope(['debug', '--batch', ...verbs, 'fib']);
    expect(status).toBe(1);
    expect(stdout.toString()).toContain('There is no verb “fly”: help lists them.');
    expect(stdout.toString()).not.toContain('= 2');
  });

  test('completes names of C++, also behind :: and in arguments', async () => {
    const client = new Client();
    await client.open('mp-primes');
    const { session } = client;
    const lines = new DebugConsole({ requests: session, stopped: () => client.stopped() });
    const scoped = await lines.complete('break main::');
    expect(scoped.from).toBe('break '.length);
    expect(scoped.words[0]).toMatch(/^main::\{lambda/);
    const hidden = await lines.complete('break is_pri');
    expect(hidden.words).toEqual(['(anonymous namespace)::is_prime(unsigned long)']);
    const bound = await session.addBreakpoint({ at: hidden.words[0], enabled: true });
    expect(bound.problem).toBeUndefined();
    expect((await lines.complete('every sizeof(main::')).from).toBe('every sizeof('.length);
    client.end();
  });

  test('a place to stop at that the program does not have is refused', async () => {
    const { status, stderr } = await hartscope(['debug', '--stop-at', 'call fly', 'fib']);
    expect(status).toBe(1);
    expect(stderr.toString()).toBe('hartscope: fib: has no symbol fly, which --stop-at wants\n');
  });

  test('a file that is no program is refused as by run', async () => {
    const { status, stderr } = await hartscope(['debug', 'package.json']);
    expect(status).toBe(126);
    expect(stderr.toString()).toMatch(/^hartscope: package.json: /);
  });
});
