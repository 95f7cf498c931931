import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../emulator';
import { pageState } from '../../../emulator/memory';
import type { Hart } from '../../../emulator/multiprocess/hart';
import { EXIT_STUB } from '../../../emulator/multiprocess/start';
import { keptMachines } from '../../support/kept-machines';
import { call, DATA, exit, machineOf, programOf, type TaskOptions } from './stress';

const STACKS = DATA + 0x10000;
const SIZE = 0x1008;
const DATA_ARGUMENT = 0x1234;
const [RA, SP, A0, A1] = ['x1', 'x2', 'x10', 'x11'];

const machines = keptMachines();

/** Main gives every register a value of its own and starts vCPUs. */
const text = (start: string): string => `
    ${Array.from({ length: 32 }, (_, n) => `li t0, ${1000 + n}\n fmv.d.x f${n}, t0`).join('\n')}
    li t0, 0x65
    fscsr t0
    li t0, ${DATA + 48}
    li t1, ${DATA_ARGUMENT}
    sd t1, 0(t0)
    li ra, 0x4444
    ${[3, 4, 5, 6, 7, 8, 9, ...Array.from({ length: 14 }, (_, i) => 18 + i)]
      .map((n) => `li x${n}, ${2000 + n}`)
      .join('\n')}
    ${start}
  behind:
    ${call(111)}
    ${exit(0)}
  function:
    ${call(111)}`;

const OPTIONS: Record<TaskOptions['mode'], TaskOptions> = {
  shared: { mode: 'shared', vcpus: 2, function: 'function', stackBase: STACKS, stackSize: SIZE },
  call: { mode: 'call', vcpus: 2, function: 'function' },
  fork: { mode: 'fork', vcpus: 2, stackBase: STACKS, stackSize: SIZE },
  'fork-here': { mode: 'fork-here', vcpus: 2 },
  workspace: { mode: 'workspace', vcpus: 2 },
};

/** Runs until there are vCPUs, of which none has run. */
function started(start: string, mode?: TaskOptions['mode']): Machine {
  const task = mode && OPTIONS[mode];
  const machine = machineOf(text(start), undefined, task);
  machines.push(machine);
  machine.stops.add(programOf(text(start)).symbols.get('behind') ?? 0);
  expect(machine.run(1e6)).toMatchObject({ kind: 'breakpoint' });
  return machine;
}

/** Everything of a hart that a program can read but for the counters, as names and values. */
const registers = ({ state }: Hart): Record<string, bigint | number> => ({
  pc: state.pc,
  fcsr: state.fcsr,
  ...Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`x${n}`, state.x(n)])),
  ...Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`f${n}`, state.f(n)])),
});

const BY_OPTIONS = call(2000, DATA);
const ON_SLOTS = call(110, 2, STACKS, SIZE);
const ON_THE_CALLERS = call(110, 2, 0, 0);

describe('a vCPU starts with the registers of its caller, but for', () => {
  test.each<[string, string, TaskOptions['mode'] | undefined, readonly string[]]>([
    ['shared', BY_OPTIONS, 'shared', ['function', 'index', 'exit stub', 'slot']],
    ['call', BY_OPTIONS, 'call', ['function', 'index', 'exit stub', 'own stack']],
    ['fork', BY_OPTIONS, 'fork', ['0 and id', 'exit stub', 'slot']],
    ['fork-here', BY_OPTIONS, 'fork-here', ['0 and id']],
    ['workspace', BY_OPTIONS, 'workspace', ['0 and id']],
    ['fork, the plain call', ON_SLOTS, undefined, ['id', 'exit stub', 'slot']],
    ['fork-here, the plain call', ON_THE_CALLERS, undefined, ['id']],
  ])('%s', (_, start, mode, changes) => {
    const { symbols } = programOf(text(start));
    const machine = started(start, mode);
    const [main, ...vcpus] = machine.liveHarts;
    expect(vcpus).toHaveLength(2);
    vcpus.forEach((vcpu, i) => {
      const id = i + 1;
      const changed: Record<string, object> = {
        function: { pc: symbols.get('function') },
        index: { [A0]: BigInt(i), [A1]: BigInt(DATA_ARGUMENT) },
        'exit stub': { [RA]: BigInt(EXIT_STUB) },
        slot: { [SP]: BigInt((STACKS + SIZE * id) & ~15) },
        'own stack': { [SP]: vcpu.state.x(2) },
        id: { [A0]: BigInt(id) },
        '0 and id': { [A0]: 0n, [A1]: BigInt(id) },
      };
      const callers = { ...registers(main), pc: symbols.get('behind') };
      const expected = Object.assign(callers, ...changes.map((name) => changed[name])) as unknown;
      expect(registers(vcpu)).toEqual(expected);
      expect(vcpu.state).toMatchObject({ instret: 0, mhartid: id });
    });
  });
});

test('the stack of a vCPU in mode call is 512 KiB that nobody else has, above a guard page', () => {
  const { liveHarts } = started(BY_OPTIONS, 'call');
  const [main, first, second] = liveHarts.map(({ space }) => space);
  const top = liveHarts[1].state.xNumber(2) / 4096;
  const bottom = top - (512 * 1024) / 4096;
  const states = [bottom - 1, bottom, top - 1].map((page) => pageState(first, page));
  expect(states).toEqual(['guard', 'zero', 'zero']);
  first.writeU64(bottom * 4096, 1n);
  first.writeU64(top * 4096 - 8, 2n);
  expect(main.isReadable(bottom * 4096, 1)).toBe(false);
  expect([second.readU64(bottom * 4096), second.readU64(top * 4096 - 8)]).toEqual([0n, 0n]);
});
