import { describe, expect, test } from 'vitest';
import type { MachineOptions, StandardStreams } from '../../../emulator';
import { Terminal } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import {
  formatEntry,
  parseRecording,
  FORMAT,
  formatMachine,
} from '../../../emulator/schedule/recording';
import type { Entry } from '../../../emulator/schedule/recording';
import { writeElf } from '../../support/elf-writer';
import { Watched, type Seen } from './run';

const schedule = { kind: 'interleaved', quantum: 100, seed: 2 } as const;
const CODE = 0x10000;
const DATA = 0x20000;

/** Sums what it reads until the end of input, with the time at each read; prints nothing. */
const READER = `
    li s0, ${DATA}
  next:
    li a7, 63
    li a0, 0
    addi a1, s0, 256
    li a2, 16
    ecall
    blez a0, over
    ld t0, 0(s0)
    lbu t1, 256(s0)
    add t0, t0, t1
    rdtime t2
    xor t0, t0, t2
    sd t0, 0(s0)
    li a7, 113
    li a0, 1
    addi a1, s0, 512
    ecall
    j next
  over:
    li a7, 278
    addi a0, s0, 128
    li a1, 32
    li a2, 0
    ecall
    li a0, 0
    li a7, 93
    ecall
`;
const { bytes } = assemble(READER, { base: CODE });
const reader = writeElf(CODE, [
  { address: CODE, bytes, writable: false, executable: true },
  { address: DATA, bytes: new Uint8Array(0x1000), writable: true, executable: false },
]);

/** A terminal for all three streams. */
function terminal(): { terminal: Terminal; streams: StandardStreams } {
  const each = new Terminal({
    columns: 80,
    rows: 24,
    now: () => performance.now(),
    output: () => undefined,
  });
  return { terminal: each, streams: { stdin: each, stdout: each, stderr: each } };
}

/** Runs with keys typed while it runs, between pieces of different lengths. */
function typed(
  program: string | Uint8Array,
  args: string[],
  keys: readonly string[],
  options: Partial<MachineOptions> = {},
): { seen: Seen; entries: Entry[] } {
  const entries: Entry[] = [];
  const { terminal: keyboard, streams } = terminal();
  const run = new Watched(program, args, {
    schedule,
    streams,
    record: (entry) => entries.push(entry),
    ...options,
  });
  const left = [...keys];
  for (let n = 1; ; n++) {
    const stop = run.machine.run(1 + ((n * 13) % 400));
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting')
      return { seen: run.seen(JSON.stringify(stop)), entries };
    if (stop.kind === 'waiting' || n % 7 === 0) {
      const next = left.shift();
      if (next !== undefined) keyboard.input(new TextEncoder().encode(next));
      else if (stop.kind === 'waiting' && stop.deadline === undefined) keyboard.hangUp();
    }
  }
}

function replay(
  program: string | Uint8Array,
  args: string[],
  entries: readonly Entry[],
  budget: (n: number) => number,
): Seen {
  const { streams } = terminal();
  return new Watched(program, args, { schedule, streams, replay: entries }).finish(budget);
}

describe('a recorded run', () => {
  test('has what was typed at its place, and is repeated exactly, however the replay is cut', () => {
    const { seen, entries } = typed(reader, [], ['ab', 'c\r', 'def\r', '\x04']);
    expect(entries.map(({ kind }) => kind)).toEqual(['typed', 'typed', 'typed', 'typed']);
    expect(replay(reader, [], entries, () => 1e9)).toEqual(seen);
    expect(replay(reader, [], entries, () => 1)).toEqual(seen);
  });

  test('of a guest with an editor of its own comes out the same', () => {
    const { seen, entries } = typed('calc', [], ['6*', '7\r', '\x7f1+2\r', '\x04']);
    expect(seen.stop).toContain('exited');
    expect(replay('calc', [], entries, (n) => 1 + ((n * 101) % 3000))).toEqual(seen);
  });

  test('has signals from the keyboard', () => {
    const { seen, entries } = typed('interrupts', [], ['\x03', '\x03', '\x03', '\x03']);
    expect(replay('interrupts', [], entries, () => 1e9)).toEqual(seen);
  });

  test('with timeouts of calls that wait for input needs nothing from outside', () => {
    const entries: Entry[] = [];
    const options = { schedule, record: (entry: Entry) => void entries.push(entry) };
    const seen = new Watched('interrupts', [], options).finish();
    expect(seen.stop).toBe('{"kind":"exited","status":0}');
    const again = new Watched('interrupts', [], { schedule, replay: entries }).finish();
    expect(again).toEqual(seen);
  });

  test('that another program is led by stops where they part', () => {
    const { entries } = typed(reader, [], ['ab\r', 'c\r', '\x04']);
    const [first, ...rest] = entries;
    const early = [{ ...first, at: first.at - 1 }, ...rest];
    expect(() => replay(reader, [], early, () => 1e9)).toThrow('The run is not the recorded one');
  });

  test('is text that is read back as it was, and checked', () => {
    const { entries } = typed(reader, [], ['ab\r', '\x04']);
    const machine = {
      format: FORMAT,
      schedule,
      program: 'x',
      args: [],
      environment: [],
      terminals: [0],
    } as const;
    const text = formatMachine(machine) + entries.map(formatEntry).join('');
    expect(parseRecording(text)).toEqual({ machine, entries });
    for (const [wrong, message] of [
      ['', 'empty'],
      [text.replace('"typed"', '"tuped"'), 'Line 2'],
      [text.replace('"at":', '"at":-'), 'Line 2'],
      [text.replace('"quantum":100', '"quantum":0'), 'A quantum is 1'],
      [text + text.split('\n')[1], 'out of order'],
    ] as const) {
      expect(() => parseRecording(wrong)).toThrow(message);
    }
  });
});
