import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { findGuest, guestPath } from '../../../cli/catalogue';
import { neededCalls } from '../../../cli/needed-calls';
import { Machine, parseElf, SymbolTable, type OutputStream } from '../../../emulator';
import { hartscope } from './memory-host';

const scratch = mkdtempSync(join(tmpdir(), 'hartscope-inspect-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function out(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await hartscope(args);
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  return stdout.toString();
}

function guestBytes(name: string): Buffer {
  const guest = findGuest(name);
  if (guest === undefined) throw new Error(`no guest ${name}`);
  return readFileSync(guestPath(guest));
}

describe('disasm', () => {
  interface Line {
    readonly address: number;
    readonly bytes: string;
    readonly section: string;
    readonly label?: string;
    readonly symbol?: string;
    readonly offset?: number;
    readonly mnemonic: string;
    readonly operands: string;
  }
  const json = async (...args: string[]): Promise<Line[]> =>
    JSON.parse(await out('disasm', '--json', ...args)) as Line[];

  test('lays a function out as objdump does', async () => {
    const listing = await out('disasm', '--symbol', 'start_guest', 'hello');
    const lines = listing.split('\n');
    expect(lines.slice(0, 7)).toEqual([
      '',
      'hello:     file format elf64-littleriscv',
      '',
      '',
      'Disassembly of section .text:',
      '',
      '0000000000011016 <start_guest>:',
    ]);
    expect(lines[7]).toBe('   11016:\t1141                \tadd\tsp,sp,-16');
    expect(listing).toContain('   11022:\t15e000ef          \tjal\t11180 <main>\n');
    expect(lines.at(-2)).toContain('<exit_guest>');
  });

  test('--start and --end choose the same lines as the symbol', async () => {
    const bySymbol = await json('--symbol', 'main', 'hello');
    const first = bySymbol[0]?.address ?? 0;
    const last = bySymbol.at(-1);
    const end = (last?.address ?? 0) + (last?.bytes.length ?? 0) / 2;
    const range = ['--start', first.toString(16), '--end', `0x${end.toString(16)}`];
    expect(await json(...range, 'hello')).toEqual(bySymbol);
  });

  test('as JSON it covers the text without a gap', async () => {
    const lines = await json('calc');
    expect(lines.length).toBeGreaterThan(200);
    for (const [i, line] of lines.entries()) {
      const next = lines[i + 1];
      if (next?.section !== line.section) continue;
      expect(next.address).toBe(line.address + line.bytes.length / 2);
    }
    const main = lines.find((line) => line.label === 'main');
    expect(main).toMatchObject({ section: '.text', symbol: 'main', offset: 0 });
  });

  test('a symbol that is not there, or no function, is one line and 1', async () => {
    for (const [symbol, message] of [
      ['nonesuch', 'has no symbol nonesuch'],
      ['greeting', 'greeting is no function'],
    ] as const) {
      const { status, stderr } = await hartscope(['disasm', '--symbol', symbol, 'hello']);
      expect(status).toBe(1);
      expect(stderr.toString()).toMatch(/^hartscope: hello: [^\n]+\n$/);
      expect(stderr.toString()).toContain(message);
    }
  });

  test('a file without sections is listed by its executable segments', async () => {
    const bytes = guestBytes('hello');
    // e_shoff, e_shnum and e_shstrndx.
    bytes.writeBigUInt64LE(0n, 40);
    bytes.writeUInt16LE(0, 60);
    bytes.writeUInt16LE(0, 62);
    const path = join(scratch, 'stripped');
    writeFileSync(path, bytes);
    const stripped = await json(path);
    const whole = await json('hello');
    expect(stripped.map((line) => line.bytes)).toEqual(whole.map((line) => line.bytes));
    expect(stripped.some((line) => line.label !== undefined)).toBe(false);
    expect(stripped[0]?.section).toMatch(/^segment \d+$/);
  });
});

describe('info', () => {
  test('says what the headers say', async () => {
    const text = await out('info', 'hello');
    expect(text).toMatch(/^type +ET_EXEC, static$/m);
    expect(text).toMatch(/^entry +0x11000 <_start>$/m);
    expect(text).toMatch(/^ABI +double float, compressed code$/m);
    expect(text).toMatch(/^architecture +rv64i2p1_m2p0_a2p1/m);
    expect(text).toMatch(/^ {2}LOAD +r-x +0x11000 +0x202 +0x1000 +0x202$/m);
    expect(text).toMatch(/^ {2}\.text +0x11000 +0x202 +0x1000$/m);
    expect(text).toMatch(/number not known from the code, in:\n {4}system_call\n/);
    expect(text).not.toContain('Problems');
  });

  test('as JSON tells a static-PIE program and its symbols', async () => {
    const info = JSON.parse(await out('info', '--json', '--symbols', 'hello-pie')) as {
      linking: string;
      type: string;
      symbols: { name: string; kind: string; address: number }[];
    };
    expect(info).toMatchObject({ linking: 'static-pie', type: 'ET_DYN' });
    expect(info.symbols.find((s) => s.name === 'main')?.kind).toBe('function');
    const addresses = info.symbols.map((s) => s.address);
    expect(addresses).toEqual([...addresses].sort((a, b) => a - b));
  });

  test('finds every system call that a glibc program makes', () => {
    const elf = guestBytes('glibc-hello');
    const image = parseElf(elf);
    const found = neededCalls(image, new SymbolTable(image));
    const sink: OutputStream = { isTerminal: false, write: (bytes) => bytes.length };
    const machine = Machine.create({
      elf,
      streams: {
        stdin: { isTerminal: false, read: () => 'eof' },
        stdout: sink,
        stderr: sink,
      },
    });
    expect(machine.runToEnd()).toEqual({ kind: 'exited', status: 0 });
    const names = found.calls.map((call) => call.name);
    const made = machine.kernel.usage().map((use) => use.name);
    expect(made.length).toBeGreaterThan(5);
    expect(names).toEqual(expect.arrayContaining(made));
    expect(found.calls.find((call) => call.name === 'writev')?.places).toContain('__libc_message');
  });
});

test('mutated programs are inspected or refused in one line, never a crash', async () => {
  const original = guestBytes('hello');
  const path = join(scratch, 'mutated');
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          // The headers at both ends of the file are where a change matters most.
          at: fc.oneof(
            fc.nat(400),
            fc.integer({ min: original.length - 1500, max: original.length - 1 }),
            fc.nat(original.length - 1),
          ),
          value: fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      fc.constantFrom('info', 'disasm'),
      async (changes, command) => {
        const bytes = Buffer.from(original);
        for (const { at, value } of changes) bytes[at] = value;
        writeFileSync(path, bytes);
        const { status, stderr } = await hartscope([command, path]);
        expect([0, 1]).toContain(status);
        const line = status === 0 ? /^$/ : /^hartscope: (?!internal)[^\n]+\n$/;
        expect(stderr.toString()).toMatch(line);
      },
    ),
    { numRuns: 400 },
  );
});

describe('info --syscalls-used', () => {
  test('counts what the program calls, and marks what is not there', async () => {
    const text = await out('info', '--syscalls-used', 'glibc-hello');
    expect(text).toMatch(/^count +number +call\n/);
    expect(text).toMatch(/^ +\d+ +64 +write$/m);
    const { calls } = JSON.parse(await out('info', '--syscalls-used', '--json', 'glibc-hello')) as {
      calls: { name: string; count: number; known: boolean }[];
    };
    expect(calls.find(({ name }) => name === 'exit_group')).toMatchObject({
      count: 1,
      known: true,
    });
    expect(calls.every(({ known }) => known)).toBe(true);
  });

  test('arguments are the guest’s; without it there are none', async () => {
    expect(await out('info', '--syscalls-used', 'mandelbrot', '6', '3', '5')).toContain('write');
    const { status, stderr } = await hartscope(['info', 'hello', 'more']);
    expect([status, stderr.toString()]).toEqual([
      2,
      'hartscope: arguments go with --syscalls-used only\n',
    ]);
  });
});
