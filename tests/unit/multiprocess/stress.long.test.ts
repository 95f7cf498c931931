import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { CapturedStreams } from '../../support/captured-streams';
import { poolOf } from '../../support/host-entries';
import {
  finish,
  FORKS_AND_PAGES,
  machineOf,
  RING,
  TASKS_IN_A_ROW,
  useOf,
  type Use,
} from './stress';

const THREADS = 3;
const exited = { kind: 'exited', status: 0 };
const pool = poolOf(THREADS);

test('LR/SC from 8 harts loses no update in 10^7', () => {
  const streams = new CapturedStreams();
  const elf = readFileSync('guests/bin/mp-lrsc.elf');
  const args = ['mp-lrsc', 'call', '8', '1250000'];
  const machine = Machine.create({ elf, args, streams, pool, memoryLimit: 64 << 20 });
  expect(finish(machine)).toEqual(exited);
  expect(streams.text()).toContain('10000000');
  machine.dispose();
});

test('10,000 tasks in a row leave nothing behind', () => {
  const uses: Use[] = [];
  // Both run long enough for the pool's threads to start.
  for (const tasks of [1000, 10_000]) {
    const machine = machineOf(TASKS_IN_A_ROW(tasks), pool);
    expect(finish(machine)).toEqual(exited);
    uses.push(useOf(machine));
    const resident = Math.round(process.memoryUsage.rss() / 2 ** 20);
    console.log(`${tasks} tasks: ${JSON.stringify(uses.at(-1))}, ${resident} MiB resident`);
    machine.dispose();
  }
  const [few, many] = uses;
  expect({ ...many, threads: 0 }).toEqual({ ...few, threads: 0 });
  // Threads of an earlier test may not have ended yet when the first program ends; only the second one may be long enough
  // for a thread that translates.
  expect(many.threads ?? 0).toBeLessThanOrEqual((few.threads ?? 0) + 1);
});

test('pages appear during forks from several harts in 100 rounds', () => {
  for (let round = 0; round < 100; round++) {
    const machine = machineOf(FORKS_AND_PAGES(100), pool);
    const tables = (): void => {
      machine.halt();
      expect(checkTables(machine.arena)).toEqual([]);
    };
    expect(finish(machine, tables)).toEqual(exited);
    tables();
    machine.dispose();
    if (round % 10 === 9) console.log(`${round + 1} rounds`);
  }
});

test('64 vCPUs that wait for each other finish', () => {
  const machine = machineOf(RING(64, 4), pool);
  expect(finish(machine)).toEqual(exited);
  machine.dispose();
});
