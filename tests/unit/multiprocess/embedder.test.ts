import { describe, expect, test } from 'vitest';
import { EXECUTE, Machine, READ, WRITE } from '../../../emulator';
import { assemble } from '../../../emulator/isa';
import { PageMatrix } from '../../../emulator/debug/pages';
import { pageRuns } from '../../../emulator/memory';
import { CapturedStreams } from '../../support/captured-streams';
import { writeElf } from '../../support/elf-writer';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';

const CODE = 0x10000;
const DATA = 0x20000;
/** Where nothing is mapped until somebody asks for it. */
const MISSING = 0x5000_0000;

const machines = keptMachines();

/** Four vCPUs that count to `rounds` and then run `work` with their id in s1; main exits with 0. */
function fourVcpus(rounds: number, work: string, threads: number): Machine {
  const { bytes } = assemble(
    `
      li a0, 4
      li a1, 0
      li a2, 0
      li a7, 110
      ecall
      beqz a0, over
      mv s1, a0
      li t0, ${rounds}
    count:
      addi t0, t0, -1
      bnez t0, count
      li s0, ${DATA}
      ${work}
    over:
      li a7, 111
      ecall
      li a7, 93
      ecall
  `,
    { base: CODE },
  );
  const elf = writeElf(CODE, [
    { address: CODE, bytes, writable: false, executable: true },
    { address: DATA, bytes: new Uint8Array(0x10_000), writable: true, executable: false },
  ]);
  const streams = new CapturedStreams();
  const machine = Machine.create({
    elf,
    streams,
    memoryLimit: 16 << 20,
    ...(threads > 0 && { pool: poolOf(threads) }),
  });
  machines.push(machine);
  return machine;
}

function finish(machine: Machine): unknown {
  for (;;) {
    const stop = machine.run(1e9);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
  }
}

describe.each([0, 3])('with %i threads beside the home thread', (threads) => {
  test('a page that a vCPU misses is asked for, and mapped in the machine for all', () => {
    const machine = fourVcpus(
      500_000,
      `
        li t1, ${MISSING}
        slli t2, s1, 12
        add t1, t1, t2
        ld t3, 0(t1)
        slli t2, s1, 3
        add t2, t2, s0
        sd t3, 0(t2)
      `,
      threads,
    );
    const asked: number[] = [];
    machine.space.hooks.onMissingPage = (page, access) => {
      if (page < MISSING / 4096) return false;
      expect(access).toBe('read');
      asked.push(page - MISSING / 4096);
      machine.space.map(page * 4096, 4096, READ | WRITE);
      machine.space.writeU64(page * 4096, BigInt(1000 + page - MISSING / 4096));
      return true;
    };
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(asked.sort()).toEqual([1, 2, 3, 4]);
    const words = [1, 2, 3, 4].map((id) => machine.space.readU64(DATA + 8 * id));
    expect(words).toEqual([1001n, 1002n, 1003n, 1004n]);
  });

  test('the first write of a vCPU to a page is told before it is done', () => {
    const machine = fourVcpus(
      500_000,
      `
        slli t2, s1, 12
        add t2, t2, s0
        sd s1, 0(t2)
        sd s1, 8(t2)
      `,
      threads,
    );
    const told: number[] = [];
    machine.space.hooks.onFirstWrite = (page) => {
      if (page < DATA / 4096 || page > DATA / 4096 + 16) return;
      told.push(page - DATA / 4096);
      expect(machine.space.readU64(page * 4096)).toBe(0n);
    };
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(told.sort()).toEqual([1, 2, 3, 4]);
  });
});

test('states of pages are read while threads fork, borrow and end', () => {
  const machine = fourVcpus(
    200_000,
    `
      li t4, 200
    again:
      slli t2, s1, 12
      add t2, t2, s0
      sd s1, 0(t2)
      addi t4, t4, -1
      bnez t4, again
    `,
    3,
  );
  const states = new Set<string>();
  for (let rounds = 0; ; rounds++) {
    const stop = machine.run(200_000);
    for (const { space } of machine.liveHarts) {
      let last = 0;
      for (const { page, count, state, protection } of pageRuns(space)) {
        expect(page).toBeGreaterThanOrEqual(last);
        expect(protection).toBeLessThanOrEqual(READ | WRITE | EXECUTE);
        last = page + count;
        states.add(state);
      }
    }
    expect(new PageMatrix().info(machine).spaces.length).toBeGreaterThan(0);
    if (stop.kind === 'exited') break;
  }
  expect([...states]).toEqual(expect.arrayContaining(['zero', 'shared', 'owned']));
});
