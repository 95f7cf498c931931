import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SourceDebugger } from '../../emulator/debug/source-debugger';
import type { LogicalFrame } from '../../emulator/debug/stack-frames';
import { typeName } from '../../emulator/elf/dwarf/type-names';
import { parseElf } from '../../emulator/elf/parse';
import { FileTree } from '../../emulator/linux/files/tree';
import { Machine } from '../../emulator/machine';
import type { Hart } from '../../emulator/multiprocess/hart';
import { CapturedStreams } from '../support/captured-streams';
import { Client } from '../unit/debug/client';
import {
  compileDynamic,
  compileForDebugging,
  gdbBreakpoints,
  gdbStops,
  gdbValues,
  missingForGdb,
  type ComparedFrame,
} from './gdb';

const STOPS = 40;
const BUDGET = 10_000_000;
/** Frames of the C library have no debugging information here: gdb guesses, and so do we. */
const LIBRARY_END = 'main';

const PROGRAMS = [
  { source: 'source-conform.c', flags: ['-O0', '-gdwarf-5'] },
  { source: 'source-conform.c', flags: ['-O2', '-gdwarf-5'] },
  { source: 'source-conform.c', flags: ['-O2', '-gdwarf-4'] },
  { source: 'source-conform.c', flags: ['-Og', '-gdwarf-4', '-gz'] },
  { source: 'source-conform.cpp', flags: ['-O0', '-gdwarf-5'] },
  { source: 'source-conform.cpp', flags: ['-O2', '-gdwarf-5', '-fdebug-types-section'] },
] as const;

/** What a method of `geometry::Derived<int>` can name. */
const STATIC_MEMBERS: readonly string[] = [
  ...['((geometry::Base *) this)->shared', 'sizeof(geometry::Point)'],
  ...['geometry::Point::made', 'geometry::Base::shared', 'geometry::Base::limit'],
  ...['geometry::Base::rate', 'geometry::Base::inner', 'geometry::Base::Inner::deep'],
  ...['geometry::Derived<int>::last', 'geometry::Derived<int>::shared', '*&geometry::Base::shared'],
  ...['geometry::Base::inner.a + 1', 'this->own', 'this->shared', 'this->last', '(*this).rate'],
  ...['own', 'shared', 'last', 'limit * 2'],
];

/** An array whose size the program computes: gdb's Python does not compute it. */
const COMPUTED_SIZE = 'vla';

/** The same stop as this project's debugger sees it. */
function ourFrames(source: SourceDebugger, hart: Hart): ComparedFrame[] {
  return source.frames(hart).map((frame) => ({
    name: frame.name ?? null,
    pc: frame.frame.pc,
    inlined: frame.inlined,
    signal: frame.frame.method === 'signal',
    file: frame.place?.path ?? null,
    line: frame.place?.line ?? 0,
    variables: ourVariables(source, frame, hart),
  }));
}

const ourVariables = (
  source: SourceDebugger,
  frame: LogicalFrame,
  hart: Hart,
): ComparedFrame['variables'] =>
  source
    .variables(frame)
    .map(({ name, value }) => [name, source.text(value, hart), typeName(value.type)] as const);

function ourStops(elf: string): ComparedFrame[][] {
  const stops: ComparedFrame[][] = [];
  atStops(elf, (source, hart) => {
    stops.push(ourFrames(source, hart));
    return true;
  });
  return stops;
}

/** Runs a program and looks at its stops in `checkpoint`, while `look` wants to see more. */
function atStops(elf: string, look: (source: SourceDebugger, hart: Hart) => boolean): void {
  const machine = Machine.create({
    elf: new Uint8Array(readFileSync(elf)),
    args: [elf],
    streams: new CapturedStreams(),
  });
  try {
    const source = new SourceDebugger(() => machine.images);
    const symbol = machine.symbols.byName('checkpoint');
    const at = symbol && source.lookup.bodyStart(symbol.address);
    if (at === undefined) throw new Error('the program has no checkpoint');
    machine.stops.add(at);
    for (let stop = machine.run(BUDGET); stop.kind === 'breakpoint';) {
      if (!look(source, machine.current)) return;
      stop = machine.run(BUDGET, true);
    }
  } finally {
    machine.dispose();
  }
}

/** The stack lies elsewhere in QEMU: its addresses say nothing. gdb demangles symbols of C++. */
const withoutStack = (text: string): string =>
  text
    .replaceAll(/0x(4000[78]|fff)[0-9a-f]{5,6}/g, 'STACK')
    .replaceAll(/<(?:vtable for |_ZTV)[^>]*>/g, '<VTABLE>');

function comparable(frames: readonly ComparedFrame[]): unknown[] {
  const end = frames.findIndex(({ name }) => name === LIBRARY_END);
  return frames.slice(0, end + 1).map(({ variables, ...frame }) => ({
    ...frame,
    // The code that handlers return to lies elsewhere in QEMU, and of several symbols gdb may take another.
    pc: frame.signal ? 0 : frame.pc,
    name: frame.file === null ? null : frame.name,
    variables: Object.fromEntries(
      variables
        .filter(([name]) => name !== COMPUTED_SIZE)
        .map(([name, value, type]) => [name, `${type}: ${withoutStack(value)}`]),
    ),
  }));
}

if (missingForGdb.length > 0) {
  console.warn(
    `source level against gdb: skipped, because ${missingForGdb.join(', ')} is not installed ` +
      '(apt-get install gdb-multiarch qemu-user-static gcc-riscv64-linux-gnu)',
  );
}

/** The cross compiler's shared libraries, as a guest's root. */
const crossLibraries = (): FileTree =>
  new FileTree({
    grants: [{ guestPath: '/', hostPath: '/usr/riscv64-linux-gnu', writable: false }],
  });

describe.skipIf(missingForGdb.length > 0)('source level is as gdb has it', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'hartscope-source-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  for (const { source, flags } of PROGRAMS) {
    it(`frames and variables of ${source} at every stop, compiled with ${flags.join(' ')}`, async () => {
      const name = `program${flags.join('')}`;
      const file = join(import.meta.dirname, source);
      const elf = compileForDebugging(directory, file, name, ...flags);
      const theirs = await gdbStops(directory, elf, 'checkpoint', STOPS);
      const ours = ourStops(elf);
      expect(theirs.length).toBeGreaterThan(3);
      expect(ours.map(comparable)).toEqual(theirs.map(comparable));
    }, 60_000);
  }

  it.each(['-gdwarf-4', '-gdwarf-5'])(
    'static data members of classes, their bases and templates, compiled with %s',
    async (version) => {
      const file = join(import.meta.dirname, 'source-conform.cpp');
      const elf = compileForDebugging(directory, file, `statics${version}`, '-O0', version);
      const theirs = await gdbValues(directory, elf, 'checkpoint if number == 100', STATIC_MEMBERS);
      const ours: string[] = [];
      const throughReference: string[] = [];
      atStops(elf, (source, hart) => {
        const frame = source.frame(hart, 1);
        if (frame.name?.includes('hidden')) {
          const member = source.evaluate('by_reference.x', hart, frame);
          throughReference.push(source.text(member, hart));
        }
        if (source.text(source.evaluate('number', hart), hart) !== '100') return true;
        const caller = source.frame(hart, 1);
        const textOf = (each: string): string =>
          source.text(source.evaluate(each, hart, caller), hart);
        ours.push(...STATIC_MEMBERS.map(textOf));
        expect(() => source.evaluate('last', hart)).toThrow('is called last');
        return false;
      });
      expect(throughReference).toEqual([expect.stringMatching(/^\d+$/)]);
      expect(theirs).toHaveLength(STATIC_MEMBERS.length);
      expect(ours).toEqual(theirs);
    },
  );

  for (const flags of [['-O0'], ['-O2'], ['-Og', '-gdwarf-4']]) {
    it(`breakpoints on every line of source-conform.c, compiled with ${flags.join(' ')}`, () => {
      const file = join(import.meta.dirname, 'source-conform.c');
      const elf = compileForDebugging(directory, file, `lines${flags.join('')}`, ...flags);
      const lines = Array.from({ length: 150 }, (_, i) => i + 1);
      const theirs = gdbBreakpoints(elf, 'source-conform.c', lines);
      const image = parseElf(new Uint8Array(readFileSync(elf)));
      const { lookup } = new SourceDebugger(() => [{ path: elf, image, base: 0 }]);
      const ours = lines.flatMap((line) => {
        const found = lookup.breakpointLocations('source-conform.c', line);
        return found.length > 0 ? [[line, found.map(({ address }) => address)] as const] : [];
      });
      expect(theirs.size).toBeGreaterThan(80);
      expect(ours).toEqual([...theirs]);
    });
  }

  it.each(['-gdwarf-4', '-gdwarf-5'])(
    'lines are known where the rest lies in .dwo files, and that those are not read is said: %s',
    (version) => {
      const file = join(import.meta.dirname, 'source-conform.c');
      const elf = compileForDebugging(directory, file, `split${version}`, '-gsplit-dwarf', version);
      const image = parseElf(new Uint8Array(readFileSync(elf)));
      const { lookup, modules } = new SourceDebugger(() => [{ path: elf, image, base: 0 }]);
      const main = modules.list()[0].symbols.byName('main')?.address ?? 0;
      expect(lookup.lineAt(main)).toMatchObject({ path: file, line: 137 });
      expect(modules.list()[0].problems.join()).toMatch(/[.]dwo.* is not read/);
    },
  );

  it('a dynamic program is stepped by lines over library functions, whose stubs have names', async () => {
    const file = join(import.meta.dirname, 'source-conform.c');
    const elf = join(directory, 'dynamic-O0.elf');
    compileDynamic(file, elf, '-O0');
    const files = crossLibraries();
    const client = new Client(undefined, () => files);
    const { session } = client;
    try {
      await client.open('program', [], { elf: readFileSync(elf) });
      const lineNow = async (): Promise<number | undefined> =>
        (await session.lineAt(client.hart(0).location.address))?.line;
      // Behind the frame's setup, as gdb does, where the parameters can be read.
      await session.addBreakpoint({ at: 'interrupted', enabled: true });
      await client.after(session.run());
      expect((await session.stack(0, 1)).frames[0].parameters).toEqual([
        { name: 'value', value: '1' },
      ]);
      const start = client.hart(0).location.address;
      await client.after(session.stepLine(0, 'into'));
      const raising = await lineNow();
      const code = await session.disassemble(start, 0, 20);
      const stub = code.find(({ target }) => target?.symbol === 'raise@plt')?.target;
      expect(stub?.offset).toBe(0);
      await client.after(session.runTo(stub?.address ?? 0));
      expect((await session.stack(0, 3)).frames.map(({ name }) => name)).toEqual([
        'raise@plt',
        'interrupted',
        'main',
      ]);
      await client.after(session.stepLine(0, 'into'));
      expect(await lineNow()).toBe((raising ?? 0) + 1);
      // The library has no lines, but names of functions.
      const raise = await session.evaluateAddress('raise', 0);
      expect(await session.locate([raise])).toEqual([
        { address: raise, symbol: 'raise', offset: 0 },
      ]);
    } finally {
      client.end();
      files.dispose();
    }
  });

  it('frames of a dynamic program go from the C library back to main and the start', () => {
    const file = join(import.meta.dirname, 'source-conform.c');
    const elf = join(directory, 'dynamic.elf');
    compileDynamic(file, elf, '-O1');
    const files = crossLibraries();
    const machine = Machine.create({
      elf: new Uint8Array(readFileSync(elf)),
      args: ['/program'],
      files,
      streams: new CapturedStreams(),
    });
    try {
      const source = new SourceDebugger(() => machine.images);
      const names: string[][] = [];
      const paths = new Set<string>();
      const checkpoint = machine.symbols.byName('checkpoint');
      machine.stops.add(checkpoint?.address ?? 0);
      while (machine.run(BUDGET, names.length > 0).kind === 'breakpoint') {
        names.push(source.frames(machine.current).map(({ name }) => name ?? '?'));
        for (const { path } of machine.images) paths.add(path);
      }
      const sorting = names.find((each) => each.includes('compare'));
      expect(sorting?.join(' ')).toMatch(
        /^checkpoint compare .*qsort_r.* main .*__libc_start_main _start$/,
      );
      expect([...paths]).toContain('/lib/libc.so.6');
    } finally {
      machine.dispose();
      files.dispose();
    }
  });
});
