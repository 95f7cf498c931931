import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import {
  call,
  DATA,
  ENDLESS,
  exit,
  finish,
  FORKS_AND_PAGES,
  machineOf,
  RING,
  TASKS_IN_A_ROW,
  useOf,
} from './stress';

const machines = keptMachines();

function on(threads: number, ...[text, task]: [string, Parameters<typeof machineOf>[2]?]): Machine {
  const machine = machineOf(text, poolOf(threads), task);
  machines.push(machine);
  return machine;
}

const exited = (status: number): unknown => ({ kind: 'exited', status });

describe.each([0, 2])('with %i pool threads', (threads) => {
  test('vCPUs that wait for each other finish, more of them than threads', () => {
    expect(finish(on(threads, RING(12, 5)))).toEqual(exited(0));
  });

  test('pages appear during forks from several harts, and the tables are in order', () => {
    const machine = on(threads, FORKS_AND_PAGES(40));
    const tables = (): void => {
      machine.halt();
      expect(checkTables(machine.arena)).toEqual([]);
    };
    expect(finish(machine, tables)).toEqual(exited(0));
    tables();
    for (let hart = 1; hart <= 4; hart++) {
      const counts = [0, 0x1000].map((page) =>
        [0, 8, 16].map((at) => machine.space.readNumber64(DATA + (hart << 14) + page + at)),
      );
      expect(counts).toEqual([
        [20, 20, 20],
        [20, 20, 20],
      ]);
    }
  });

  const endless = { mode: 'call', vcpus: 3, function: 'endless' } as const;

  test('main may exit while vCPUs run: they are stopped', () => {
    const machine = on(threads, ENDLESS(exit(5)), endless);
    expect(finish(machine)).toEqual(exited(5));
    expect(machine.tasks.list()).toEqual([]);
    expect(checkTables(machine.arena)).toEqual([]);
  });

  test('main may fault while vCPUs run: they are stopped', () => {
    const machine = on(threads, ENDLESS('ld t0, 0(x0)'), endless);
    expect(finish(machine)).toMatchObject({ kind: 'killed', signal: 'SIGSEGV' });
    expect(checkTables(machine.arena)).toEqual([]);
  });

  test.each([
    ['unmaps', call(215, DATA + 0x2000, 0x3000)],
    ['forbids to write', call(226, DATA + 0x2000, 0x3000, 1)],
  ])('vCPUs that write what main %s meanwhile fault, and main joins them', (_, taken) => {
    const meanwhile = `
      ${taken}
      bnez a0, bad
      ${call(2001, -1, 0, 0)}
      li t0, 3
      bne a0, t0, bad
      ${exit(0)}`;
    const machine = on(threads, ENDLESS(meanwhile), endless);
    expect(finish(machine)).toEqual(exited(0));
    expect(checkTables(machine.arena)).toEqual([]);
  });

  test('tasks in a row leave nothing behind', () => {
    const few = on(threads, TASKS_IN_A_ROW(3));
    expect(finish(few)).toEqual(exited(0));
    const many = on(threads, TASKS_IN_A_ROW(600));
    expect(finish(many)).toEqual(exited(0));
    // Nothing but the threads of the pool, which both machines have or have not.
    expect({ ...useOf(many), threads: 0 }).toEqual({ ...useOf(few), threads: 0 });
    const sums = [1, 2, 3, 4].map((id) => many.space.readNumber64(DATA + (id << 12)));
    expect(sums).toEqual([600, 1200, 1800, 2400]);
  });
});
