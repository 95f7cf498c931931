import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../emulator';
import { MachineCode } from '../../../emulator/profile-code';
import { addCounts, retired, walk } from '../../../emulator/profile/model';
import { CapturedStreams } from '../../support/captured-streams';

const MEMORY = 32 << 20;
function machine(name: string, ...args: readonly string[]): Machine {
  return Machine.create({
    elf: readFileSync(`guests/bin/${name}.elf`),
    args: [name, ...args],
    streams: new CapturedStreams(),
    memoryLimit: MEMORY,
    // Guests that print how long they took run as many instructions as the number has digits.
    clock: { realtime: () => 0n, monotonic: () => 0n },
    profile: true,
  });
}

describe('a profile', () => {
  test('of a guest with vCPUs has each of them, and their sum is what was retired', () => {
    const profiled = machine('mp-dot', 'call', '4', '512');
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

  test("has a vCPU that began in the middle of a function in that one's caller", () => {
    const profiled = machine('mp-glibc');
    expect(profiled.runToEnd()).toMatchObject({ kind: 'exited', status: 0 });
    const code = new MachineCode(profiled);
    const [, vcpu] = profiled.profile!.harts;
    expect(code.functionAt(vcpu.root.entry)?.name).toBe('main');
    profiled.dispose();
  });

  test('gives each thread and process a name of its own', () => {
    const profiled = machine('threads');
    profiled.runToEnd();
    const names = profiled.profile!.harts.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['main', 'thread 1001']));
    expect(names.length).toBeGreaterThan(3);
    expect(new Set(names).size).toBe(names.length);
    profiled.dispose();
  });

  test('is the same in every run', () => {
    const once = (): unknown => {
      const profiled = machine('mp-histogram');
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
