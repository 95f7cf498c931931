import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../emulator';
import { MachineCode } from '../../../emulator/profile-code';
import { addCounts, inclusive, retired, walk } from '../../../emulator/profile/model';
import { CapturedStreams } from '../../support/captured-streams';

const MEMORY = 32 << 20;
/** A test's patience. */
const MOST_STEPS = 300_000;

function machine(name: string, args: readonly string[], isProfiled: boolean): Machine {
  return Machine.create({
    elf: readFileSync(`guests/bin/${name}.elf`),
    args: [name, ...args],
    streams: new CapturedStreams(),
    memoryLimit: MEMORY,
    // Guests that print how long they took run as many instructions as the number has digits.
    clock: { realtime: () => 0n, monotonic: () => 0n },
    profile: isProfiled,
  });
}

/** How often each instruction of a guest runs, found by running one at a time. */
function byStepping(name: string, args: readonly string[]): Map<number, number> {
  const stepped = machine(name, args, false);
  const counts = new Map<number, number>();
  for (let step = 0; ; step++) {
    if (step > MOST_STEPS) throw new Error(`${name} runs too long to be stepped through`);
    const { pc, instret } = stepped.hart;
    const stop = stepped.step();
    const retired = stepped.hart.instret - instret;
    if (retired > 0) counts.set(pc, (counts.get(pc) ?? 0) + retired);
    if (stop.kind === 'exited') break;
    if (stop.kind !== 'fuel') throw new Error(`${name} stopped: ${stop.kind}`);
  }
  stepped.dispose();
  return counts;
}

describe('a profile', () => {
  test.each([
    ['hello', []],
    ['mandelbrot', ['6', '3', '5']],
  ] as const)('of %s has the counts that single steps have', (name, args) => {
    const profiled = machine(name, [...args], true);
    expect(profiled.runToEnd(MOST_STEPS)).toMatchObject({ kind: 'exited' });
    const [main] = profiled.profile!.harts;
    const counted = new Map(
      [...main.counts.addresses].map((address, i) => [address, main.counts.executions[i]]),
    );
    const stepped = byStepping(name, [...args]);
    expect(counted).toEqual(stepped);
    expect(retired(main)).toBe(profiled.instructions);
    expect(inclusive(main.root)).toBe(profiled.instructions);
    profiled.dispose();
  });

  test('of a guest with vCPUs has each of them, and their sum is what was retired', () => {
    const profiled = machine('mp-dot', ['call', '4', '512'], true);
    expect(profiled.runToEnd()).toMatchObject({ kind: 'exited', status: 0 });
    const { harts } = profiled.profile!;
    expect(harts.map(({ name }) => name)).toEqual([
      'main',
      ...[1, 2, 3, 4].map((vcpu) => `task 1 vCPU ${vcpu}`),
    ]);
    expect(harts.reduce((sum, hart) => sum + retired(hart), 0)).toBe(profiled.instructions);
    const code = new MachineCode(profiled);
    const names = [...walk(harts[1].root)].map(({ node }) => code.functionAt(node.entry)?.name);
    expect(names.slice(0, 2)).toEqual(['work', 'dot']);
    const all = addCounts(harts.map(({ counts }) => counts));
    expect(all.executions.every((count) => count > 0)).toBe(true);
    profiled.dispose();
  });

  test('is the same in every run', () => {
    const once = (): unknown => {
      const profiled = machine('mp-histogram', [], true);
      profiled.runToEnd();
      const { harts } = profiled.profile!;
      profiled.dispose();
      return harts;
    };
    expect(once()).toEqual(once());
  });

  test('is not made together with a race check', () => {
    const make = (): Machine =>
      Machine.create({
        elf: readFileSync('guests/bin/hello.elf'),
        streams: new CapturedStreams(),
        memoryLimit: MEMORY,
        profile: true,
        raceCheck: {},
      });
    expect(make).toThrow('run the program twice');
  });
});
