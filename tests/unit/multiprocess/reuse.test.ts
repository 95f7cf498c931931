import { expect, test } from 'vitest';
import type { Machine } from '../../../emulator';
import type { Hart } from '../../../emulator/multiprocess/hart';
import { call, DATA, exit, finish, machineOf } from './stress';

const LIMIT_AT = DATA + 56;
const RESULT = DATA + 0x1000;
const CELL = DATA + 0x2000;

/** One vCPU after another: the first spoils all that it has and runs into its limit, the second tells what it finds. */
const TWO_TASKS = `
    li s0, ${LIMIT_AT}
    li t0, 2000
    sd t0, 0(s0)
    ${call(2000, DATA)}
    beqz a0, spoil
    ${call(2001, -1, 0, 0)}
    sd zero, 0(s0)
    li s2, 77
    ${call(2000, DATA)}
    beqz a0, tell
    ${call(2001, -1, 0, 0)}
    bnez a0, bad
    ${exit(0)}
  bad:
    ${exit(1)}
  spoil:
    li s2, -1
    li s3, -1
    li t0, 0xff
    fscsr t0
    fmv.d.x fs0, s2
    li t1, ${CELL}
    lr.d t2, (t1)
  forever:
    j forever
  tell:
    li t1, ${CELL}
    sc.d t2, zero, (t1)
    frcsr t3
    fmv.x.d t4, fs0
    li t0, ${RESULT}
    sd t2, 0(t0)
    sd t3, 8(t0)
    sd t4, 16(t0)
    sd s2, 24(t0)
    sd s3, 32(t0)
    csrr t1, instret
    sd t1, 40(t0)
    li t1, 5000
  longer:
    addi t1, t1, -1
    bnez t1, longer
    ${call(111)}`;

/** Runs until a vCPU lives; the vCPU. */
function nextVcpu(machine: Machine): Hart {
  for (let n = 0; n < 10_000; n++) {
    const hart = machine.liveHarts.at(1);
    if (hart) return hart;
    machine.run(1);
  }
  throw new Error('no vCPU has started');
}

function untilItsEnd(machine: Machine, hart: Hart): void {
  while (machine.liveHarts.includes(hart)) machine.run(500);
}

test('a vCPU in the place of another one finds nothing of it', () => {
  const machine = machineOf(TWO_TASKS, undefined, { mode: 'fork-here', vcpus: 1 });
  const first = nextVcpu(machine);
  const { space, index } = first;
  const id = space.id;
  // What a debugger and an embedder may have done to it.
  space.watch(RESULT, 8, 'read');
  const hookCalls: number[] = [];
  space.hooks.onFirstWrite = (page) => void hookCalls.push(page);
  untilItsEnd(machine, first);
  expect(hookCalls.splice(0)).not.toEqual([]);
  expect(first.vcpu?.status).toMatchObject({ reason: 'limit', instructions: 2000 });

  const second = nextVcpu(machine);
  // The same context, and the same object on the same descriptor, or this test shows nothing.
  expect([second.index, second.space]).toEqual([index, space]);
  expect(second.space.id).not.toBe(id);
  expect(second.space.isWatched).toBe(false);
  expect(second.state.instret).toBeLessThanOrEqual(1);
  expect(second).toMatchObject({ frozen: false, held: false, stays: false, vcpu: { limit: 0 } });
  const { events } = machine.arena;
  expect(events.read(index, 0).events.filter(({ kind }) => kind === 'end')).toHaveLength(1);

  expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
  expect(hookCalls).toEqual([]);
  const found = [0, 8, 16, 24, 32].map((at) => machine.space.readU64(RESULT + at));
  // SC without a reservation fails; flags, the float register and s3 are main's, and so is s2.
  expect(found).toEqual([1n, 0n, 0n, 77n, 0n]);
  expect(machine.space.readU64(RESULT + 40)).toBeLessThan(50n);
  machine.dispose();
});

test('a vCPU that has ended shows its caller’s memory, not that of the one after it', () => {
  const machine = machineOf(TWO_TASKS, undefined, { mode: 'fork-here', vcpus: 1 });
  const first = nextVcpu(machine);
  untilItsEnd(machine, first);
  expect(first.space).toBe(machine.space);
  machine.dispose();
});
