import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { version } from '../../../package.json';
import { guestPath, GUESTS } from '../../../cli/catalogue';
import { hartscope } from './memory-host';

const scratch = mkdtempSync(join(tmpdir(), 'hartscope-cli-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const pathOf = (name: string): string => {
  const guest = GUESTS.find((candidate) => candidate.name === name);
  if (guest === undefined) throw new Error(`no guest ${name}`);
  return guestPath(guest);
};
const hello = pathOf('hello');

function scratchFile(name: string, content: string | Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

async function text(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const { status, stdout, stderr } = await hartscope(args);
  return { status, out: stdout.toString(), err: stderr.toString() };
}

/** One line that says something and is no stack trace. */
const ONE_LINE = /^hartscope: [^\n]+\n$/;

describe('help and version', () => {
  test.each([
    [[], 'hartscope run ./program'],
    [['run'], '--max-instructions <n>'],
    [['disasm'], '--symbol main'],
    [['profile'], '--compare'],
    [['bench'], '--modes'],
    [['info'], 'hartscope info --json'],
    [['guests'], 'hartscope guests --json'],
  ])('%j --help goes to standard output with examples', async (command, example) => {
    const { status, out, err } = await text(...command, '--help');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toContain('Examples:');
    expect(out).toContain(example);
    if (command.length > 0) expect((await text('help', ...command)).out).toBe(out);
  });

  test('--version prints the version of the package', async () => {
    expect(await text('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' });
  });
});

describe('wrong use ends with status 2 and one line', () => {
  test.each<[string[], RegExp]>([
    [[], /a command is missing: run, debug, profile, bench, disasm, info, guests/],
    [['walk'], /unknown command 'walk'/],
    [['ruin'], /Did you mean run\?/],
    [['--fast'], /unknown option '--fast'/],
    [['run'], /missing required argument 'ELF'/],
    [['run', '--fast', hello], /unknown option '--fast'/],
    [['run', '--memory', 'lots', hello], /'lots' is invalid.*256M/],
    [['run', '--memory'], /argument missing/],
    [['run', '--max-instructions', '0', hello], /'0' is invalid.*from 1 on/],
    [['run', '--env', 'NAME', hello], /NAME=value/],
    [['run', ''], /name of the program is empty/],
    [['disasm', hello, 'more'], /too many arguments/],
    [['disasm', '--start', 'main', hello], /hexadecimal/],
    [['disasm', '--start', '20', '--end', '10', hello], /--end 0x10 is not behind --start 0x20/],
    [['disasm', '--symbol', 'main', '--start', '10', hello], /--symbol goes without/],
    [['info'], /missing required argument 'ELF'/],
    [['guests', 'hello'], /too many arguments/],
  ])('%j', async (args, message) => {
    const { status, out, err } = await text(...args);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(ONE_LINE);
    expect(err).toMatch(message);
  });
});

describe('a file that is no program', () => {
  const bytes = readFileSync(hello);
  const foreign = Buffer.from(bytes);
  foreign.writeUInt16LE(62, 18);
  const narrow = Buffer.from(bytes);
  narrow[4] = 1; // ELFCLASS32
  const files: [string, string, RegExp, number][] = [
    ['no such file', join(scratch, 'absent'), /no such file or directory/, 127],
    ['no such guest', 'nonesuch', /no bundled guest has that name/, 127],
    ['a path through a file', `${hello}/x`, /not a directory/, 127],
    ['a directory', scratch, /is a directory/, 126],
    ['a device', '/dev/null', /is no regular file/, 126],
    ['an empty file', scratchFile('empty', ''), /the file is empty/, 126],
    ['a script', scratchFile('script', '#!/bin/sh\n'), /is a script/, 126],
    ['text', scratchFile('text', 'rubbish\n'), /not an ELF file/, 126],
    ['half a header', scratchFile('half', bytes.subarray(0, 40)), /the ELF header needs/, 126],
    ['half a program', scratchFile('cut', bytes.subarray(0, 0x1100)), /file ends at 0x1100/, 126],
    ['a 32-bit program', scratchFile('narrow', narrow), /this is a 32-bit file/, 126],
    ['a program for x86', scratchFile('x86', foreign), /is for x86-64/, 126],
  ];

  test.each(files)(
    '%s: run ends with one line and 126 or 127',
    async (_, path, message, status) => {
      const result = await text('run', path);
      expect(result).toMatchObject({ status, out: '' });
      expect(result.err).toMatch(ONE_LINE);
      expect(result.err).toMatch(message);
    },
  );

  test.each(files)('%s: info and disasm end with one line and 1', async (_, path, message) => {
    for (const command of ['info', 'disasm']) {
      const { status, out, err } = await text(command, path);
      expect({ status, out }).toEqual({ status: 1, out: '' });
      expect(err).toMatch(ONE_LINE);
      expect(err).toMatch(message);
    }
  });
});

describe('guests', () => {
  test('lists every guest with its description', async () => {
    const { status, out } = await text('guests');
    expect(status).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(GUESTS.length);
    GUESTS.forEach((guest, i) => {
      expect(lines[i]).toMatch(new RegExp(`^${guest.name} +`));
      expect(lines[i]).toContain(guest.description);
    });
  });

  test('as JSON names files that are there', async () => {
    const list = JSON.parse((await text('guests', '--json')).out) as { path: string }[];
    expect(list).toHaveLength(GUESTS.length);
    for (const { path } of list) expect(readFileSync(path).length).toBeGreaterThan(1000);
  });
});
