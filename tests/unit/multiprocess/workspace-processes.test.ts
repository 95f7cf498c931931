import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { CapturedStreams } from '../../support/captured-streams';
import { inProcesses } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import {
  DATA,
  dataWords,
  FOREVER,
  LONG,
  outcome,
  toEnd,
  workspaceMachine,
  type Outcome,
  type WorkspaceGuest,
} from '../../support/workspace-guest';

const KEEP_FAILED = 1;
/** Field of a status that holds the reason. */
const REASON = 4;
const EXIT_CODE = 7;
const LIMIT = 5n;

const machines = keptMachines();

function start(
  work: string,
  guest: WorkspaceGuest = {},
  given = inProcesses(2),
): ReturnType<typeof workspaceMachine> {
  const made = workspaceMachine(work, guest, given);
  machines.push(made.machine);
  return made;
}

/** The guest on threads and in processes. */
function both(work: string, guest: WorkspaceGuest = {}): { threads: Outcome; processes: Outcome } {
  const [threads, processes] = [0, 2].map((count) => {
    const made = start(work, guest, inProcesses(count));
    const result = outcome(made, guest.vcpus);
    expect(checkTables(made.machine.space.arena)).toEqual([]);
    return result;
  });
  return { threads, processes };
}

describe('workspaces in processes of their own', () => {
  test('end as on threads: memory, statuses, output, instructions', () => {
    const { threads, processes } = both(
      `${LONG}
       li t0, ${DATA}
       slli t1, s0, 3
       add t1, t0, t1
       sd s0, 0(t1)
       sb s0, 256(t0)
       addi t2, s0, 48
       li t3, 0x10000
       add t3, t3, t1
       sb t2, 0(t3)
       li a0, 1
       mv a1, t3
       li a2, 1
       li a7, 64
       ecall
       rdtime t2
       sd t2, 512(t1)
       csrr t2, mhartid
       sd t2, 1024(t1)`,
      { after: `li t0, ${DATA}\n li t1, 77\n sd t1, 0(t0)` },
    );
    expect(processes).toEqual(threads);
    expect(processes.text).toBe('123');
    // Three have written different values to one byte: two of them have lost.
    expect(processes.stop).toEqual({ kind: 'exited', status: 2 });
    expect(processes.conflicts.map(({ address }) => address)).toContain(DATA + 256);
  });

  test('failures are the same: a fault, an illegal instruction, an exit code, a limit', () => {
    const { threads, processes } = both(
      `${LONG}
       li t0, ${DATA}
       slli t1, s0, 3
       add t1, t0, t1
       sd s0, 0(t1)
       li t1, 1
       beq s0, t1, one
       li t1, 2
       beq s0, t1, two
       li t1, 3
       beq s0, t1, three
       ${FOREVER}
     one:
       sd zero, 0(zero)
     two:
       .word 0
     three:
       li a0, 7
       li a7, 93
       ecall`,
      { vcpus: 4, limit: 200_000, flags: KEEP_FAILED },
    );
    expect(processes).toEqual(threads);
    expect(processes.statuses.map((status) => status[REASON])).toEqual([3n, 4n, 2n, LIMIT]);
    expect(processes.statuses[2][EXIT_CODE]).toBe(7n);
  });

  test('memory that vCPUs map and unmap is the same', () => {
    const { threads, processes } = both(
      `${LONG}
       li s4, 4
     more:
       li a0, 0
       li a1, 8192
       li a2, 3
       li a3, 0x22
       li a4, -1
       li a5, 0
       li a7, 222
       ecall
       sd s0, 0(a0)
       li t0, ${DATA}
       slli t1, s0, 6
       add t0, t0, t1
       slli t1, s4, 3
       add t0, t0, t1
       sd a0, 0(t0)
       addi s4, s4, -1
       bnez s4, more
       ld a0, 8(t0)
       li a1, 4096
       li a7, 215
       ecall
       li a7, 172
       ecall
       sd a0, 0(t0)`,
    );
    expect(processes).toEqual(threads);
  });

  test('events are those of a thread, but for host times and the numbers of frames over there', () => {
    // Stores to pages with bytes, to a fresh one, prints, asks for the time and for what is refused.
    const work = `${LONG}
      li t0, ${DATA + 0x8000}
      slli t1, s0, 12
      add s2, t0, t1
      sd s0, 0(s2)
      sd s0, 0(s2)
      li a0, 0
      li a1, 8192
      li a2, 3
      li a3, 0x22
      li a7, 222
      ecall
      sd s0, 0(a0)
      li a1, 4096
      li a7, 215
      ecall
      li a0, 1
      mv a1, s2
      li a2, 1
      li a7, 64
      ecall
      li a0, 1
      li a1, ${DATA}
      li a7, 113
      ecall
      li a7, 172
      ecall
      ${LONG.replaceAll('busy', 'again')}
      sd s0, 8(s2)`;
    const events = (processes: number): readonly string[] => {
      // As many as processes: none has to make room for another.
      const { machine } = start(work, { vcpus: 2 }, inProcesses(processes));
      machine.arena.events.timed = true;
      toEnd(machine);
      if (processes > 0) expect(machine.workspaceTraffic!.returned).toBeGreaterThan(1);
      const all = [1, 2].flatMap((hart) => machine.arena.events.read(hart, 0).events);
      const told = all.filter(({ kind }) => !kind.startsWith('turn'));
      return told.map(({ kind, hart, instret, pc, page, from, to, took }) => {
        const what = kind === 'copy' ? [page, from > 0] : [page, from, to];
        return [hart, kind, instret, pc, ...what, took > 0].join(' ');
      });
    };
    const [threads, processes] = [events(0), events(2)];
    expect(processes).toEqual(threads);
    const kinds = threads.filter((line) => line.startsWith('2 ')).map((line) => line.split(' ')[1]);
    expect(kinds.join(' ')).toBe(
      'start copy map syscall copy unmap syscall syscall copy syscall syscall end',
    );
  });

  test('a hundred vCPUs take turns over two processes', () => {
    const work = `${LONG}
      li t0, ${DATA + 0x4000}
      slli t1, s0, 3
      add t0, t0, t1
      sd s0, 0(t0)`;
    const { threads, processes } = both(work, { vcpus: 100 });
    expect(processes).toEqual(threads);
    expect(processes.stop).toEqual({ kind: 'exited', status: 0 });
  });

  test('a vCPU may start a task of its own, which then runs beside it', () => {
    const inner = DATA + 0x8000;
    // Each vCPU has options of its own at 0x1000 × its id, and its two vCPUs store their sum beside them.
    const { threads, processes } = both(
      `${LONG}
       li s2, ${inner}
       slli t1, s0, 12
       add s2, s2, t1
       li t0, 72
       sd t0, 0(s2)
       li t0, 5
       sd t0, 8(s2)
       li t0, 2
       sd t0, 16(s2)
       mv a0, s2
       li a7, 2000
       ecall
       bnez a0, outer
       li t6, 40000
     inner:
       addi t6, t6, -1
       bnez t6, inner
       slli t1, a1, 3
       add t1, t1, s2
       add t2, a1, s0
       sd t2, 256(t1)
       li a7, 111
       ecall
     outer:
       li a1, 0
       li a2, 0
       li a7, 2001
       ecall
       sd a0, 512(s2)`,
    );
    expect(processes).toEqual(threads);
    expect(processes.stop).toEqual({ kind: 'exited', status: 0 });
    const words = dataWords(processes).subarray(0x8000 / 8);
    expect([words[0x1000 / 8 + 33], words[0x3000 / 8 + 34]]).toEqual([2n, 5n]);
  });

  test('an endless vCPU in every process keeps nobody from ending', () => {
    const made = start(
      `${LONG}
       li t1, 3
       bge s0, t1, fine
       ${FOREVER}
     fine:`,
      {
        vcpus: 5,
        // Main polls until only the endless ones are left, and ends.
        after: `wait:
          mv a0, s1
          li a7, 2002
          ecall
          li t0, 2
          bne a0, t0, wait
          li a0, 9
          li a7, 93
          ecall`,
      },
    );
    expect(toEnd(made.machine)).toEqual({ kind: 'exited', status: 9 });
  });

  test.each(['mp-race', 'mp-matmul', 'mp-prefix', 'mp-pipeline', 'mp-stack'])(
    '%s prints the same',
    (guest) => {
      const run = (processes: number): unknown => {
        const streams = new CapturedStreams();
        const machine = Machine.create({
          elf: readFileSync(`guests/bin/${guest}.elf`),
          args: [guest, 'workspace'],
          environment: ['HARTSCOPE_MODE=workspace'],
          memoryLimit: 64 << 20,
          streams,
          ...inProcesses(processes),
        });
        machines.push(machine);
        return { stop: toEnd(machine), text: streams.text() };
      };
      expect(run(2)).toEqual(run(0));
    },
  );

  test('the next task sends only what has changed since the one before', () => {
    const run = (calls: number): { sent: number; returned: number } => {
      const machine = Machine.create({
        elf: readFileSync('guests/bin/mp-dot.elf'),
        // Two arrays of 64 Ki floats: 128 pages.
        args: ['mp-dot', 'workspace', '4', '65536', String(calls), '1'],
        memoryLimit: 64 << 20,
        streams: new CapturedStreams(),
        ...inProcesses(1),
      });
      machines.push(machine);
      expect(toEnd(machine)).toEqual({ kind: 'exited', status: 0 });
      expect(checkTables(machine.arena)).toEqual([]);
      return machine.workspaceTraffic!;
    };
    const [one, many] = [run(1), run(9)];
    expect(one.sent).toBeGreaterThan(100);
    expect(many.sent).toBeLessThan(3 * one.sent);
    expect(many.returned).toBeGreaterThan(0);
  });
});
