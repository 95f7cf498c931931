import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SourceDebugger } from '../../../emulator/debug/source-debugger';
import type { LoadedImage } from '../../../emulator/debug/source-modules';
import { Machine } from '../../../emulator/machine';
import { CapturedStreams } from '../../support/captured-streams';
import { keptMachines } from '../../support/kept-machines';

const open = keptMachines();

function load(name: string, ...args: string[]): Machine {
  const elf = new Uint8Array(readFileSync(`guests/bin/${name}.elf`));
  const machine = Machine.create({ elf, args: [name, ...args], streams: new CapturedStreams() });
  open.push(machine);
  return machine;
}

function runTo(machine: Machine, symbol: string, budget = 50_000_000): void {
  const address = machine.symbols.byName(symbol)?.address;
  if (address === undefined) throw new Error(`no ${symbol}`);
  machine.stops.add(address);
  expect(machine.run(budget).kind).toBe('breakpoint');
}

/** The program without what the compiler wrote for unwinding. */
const withoutFrames = (images: readonly LoadedImage[]): LoadedImage[] =>
  images.map((loaded) => {
    const sections = loaded.image.sections.filter(({ name }) => !/frame/.test(name));
    return { ...loaded, image: { ...loaded.image, sections } };
  });

const names = (source: SourceDebugger, machine: Machine): (string | undefined)[] =>
  source.frames(machine.current).map(({ name }) => name);

describe('a call stack', () => {
  test('goes from a function to the start of the program', () => {
    const machine = load('hello');
    runTo(machine, 'write_output');
    const source = new SourceDebugger(() => machine.images);
    const frames = source.frames(machine.current);
    expect(frames.map(({ name }) => name).slice(-3)).toEqual(['main', 'start_guest', '_start']);
    expect(frames[0].frame.method).toBe('cfi');
    expect(frames.at(-1)?.frame.method).toBeUndefined();
    expect(frames.find(({ name }) => name === 'main')?.place?.path).toBe('guests/src/hello.c');
  });

  test('goes through the frame of a signal to what was interrupted', () => {
    const machine = load('signals');
    const source = new SourceDebugger(() => machine.images);
    runTo(machine, 'clobber');
    const frames = source.frames(machine.current);
    const handler = frames.findIndex(({ frame }) => frame.method === 'signal');
    expect(handler).toBeGreaterThan(0);
    expect(frames[handler + 1].frame.interrupted).toBe(true);
    expect(frames[handler + 1].frame.lookup).toBe(frames[handler + 1].frame.pc);
    expect(frames.slice(handler).map(({ name }) => name)).toContain('main');
  });

  test('of a vCPU ends at the function that it was started with', () => {
    const machine = load('mp-dot');
    runTo(machine, 'work');
    const hart = machine.current;
    expect(hart.index).toBeGreaterThan(0);
    const source = new SourceDebugger(() => machine.images);
    expect(source.frames(hart).map(({ name }) => name)).toEqual(['work']);
    expect(source.lookup.lineAt(hart.state.pc)?.path).toBe('guests/src/mp-dot.c');
    expect(source.variables(source.frame(hart, 0)).map(({ name }) => name)).toContain('index');
  });

  test('is the same at every instruction when it is read from the functions alone', () => {
    const machine = load('hello', 'one', 'two');
    runTo(machine, 'main');
    const bare = withoutFrames(machine.images);
    const byRules = new SourceDebugger(() => machine.images);
    const byCode = new SourceDebugger(() => bare);
    let compared = 0;
    let same = 0;
    while (machine.step().kind === 'fuel' && compared < 1500) {
      const expected = names(byRules, machine);
      if (expected.length < 2) continue;
      compared++;
      if (names(byCode, machine).join() === expected.join()) same++;
    }
    expect(compared).toBeGreaterThan(500);
    // Behind an early return the frame is guessed from straight-line code: rarely wrong.
    expect(same / compared).toBeGreaterThan(0.97);
  });

  test('tells the caller and the frame of a hart, as a step out needs them', () => {
    const machine = load('hello');
    runTo(machine, 'print_text');
    const { state } = machine.current;
    const caller = new SourceDebugger(() => machine.images).unwinder.caller(machine.current);
    expect(caller).toEqual({ pc: Number(state.x(1)), cfa: Number(state.x(2)) });
  });

  test('is cut where it is deeper than somebody asks', () => {
    const machine = load('fib');
    const source = new SourceDebugger(() => machine.images);
    runTo(machine, 'fib');
    for (let i = 0; i < 12; i++) machine.run(1_000_000, true);
    expect(source.frames(machine.current, 5).length).toBe(5);
    expect(source.frames(machine.current).length).toBeGreaterThan(5);
  });
});

describe('source lines', () => {
  test('have ranges inside their function that hold their own instructions', () => {
    const machine = load('hello');
    runTo(machine, 'main');
    const { lookup } = new SourceDebugger(() => machine.images);
    const pc = machine.current.state.pc;
    const line = lookup.lineAt(pc);
    for (const { start, end } of lookup.rangesOfLine(pc)) {
      expect(lookup.lineAt(start)?.line).toBe(line?.line);
      expect(lookup.lineAt(end - 2)?.line).toBe(line?.line);
    }
    const [whole] = lookup.functionRanges(pc);
    expect(whole.start).toBe(machine.symbols.byName('main')?.address);
  });

  test('are found by the end of a path, and by no other', () => {
    const machine = load('hello');
    const { lookup } = new SourceDebugger(() => machine.images);
    const [last] = lookup.linesWithCode('guests/src/hello.c').slice(-1);
    expect(lookup.breakpointLocations('hello.c', last)).toHaveLength(1);
    expect(lookup.breakpointLocations('src/hello.c', last)).toHaveLength(1);
    expect(lookup.breakpointLocations('ello.c', last)).toEqual([]);
    expect(lookup.breakpointLocations('hello.c', last + 1)).toEqual([]);
  });

  test('are none where the program was compiled without them', () => {
    const machine = load('hello');
    const images = machine.images.map((each) => ({
      ...each,
      image: { ...each.image, sections: [] },
    }));
    const bare = new SourceDebugger(() => images);
    expect(bare.lookup.sources()).toEqual([]);
    expect(bare.lookup.lineAt(machine.entry)).toBeUndefined();
  });
});
