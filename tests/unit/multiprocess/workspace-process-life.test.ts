import { describe, expect, test } from 'vitest';
import { childProcesses, type Machine } from '../../../emulator';
import { HOST_ENTRIES, inProcesses } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';
import {
  DATA,
  dataWords,
  FOREVER,
  LONG,
  outcome,
  toEnd,
  workspaceMachine,
  type WorkspaceGuest,
} from '../../support/workspace-guest';
import { call, DATA as TASK, exit, machineOf } from './stress';

const ALLOW_EFFECTS = 2;
const WITHIN_PROCESS = 4;
/** Fields of a status. */
const REASON = 4;
const EXIT_CODE = 7;
const [RETURNED, KILLED] = [1n, 6n];

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

/** Ids of the processes that run vCPUs just now. */
const pids = (machine: Machine): number[] =>
  machine.liveHarts.flatMap(({ process }) => process ?? []);

/** Runs until a vCPU is in a process or all have ended. */
function runUntilAway(machine: Machine): number | undefined {
  for (;;) {
    const stop = machine.run(1e6);
    const [pid] = pids(machine);
    if (pid !== undefined || (stop.kind !== 'fuel' && stop.kind !== 'waiting')) return pid;
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('processes of workspace vCPUs', () => {
  test('what a process has translated serves the vCPUs of later tasks', () => {
    // The vCPU has most of the code: a million instructions in a loop of a hundred.
    const run = (tasks: number): { translated: number; translatedInstructions: number } => {
      const machine = machineOf(
        `li s0, ${tasks}
       task:
         li t0, ${TASK + 0x1000}
         sd s0, 0(t0)
         ${call(2000, TASK)}
         bnez a0, main
         li t6, 10000
       work:
         ${'addi s1, s1, 1\n'.repeat(98)}
         addi t6, t6, -1
         bnez t6, work
         ${call(111)}
       main:
         ${call(2001, -1, 0, 0)}
         bnez a0, bad
         addi s0, s0, -1
         bnez s0, task
         ${exit(0)}
       bad:
         ${exit(1)}`,
        undefined,
        { mode: 'workspace', vcpus: 1 },
        { engine: 'translator', ...inProcesses(1) },
      );
      machines.push(machine);
      expect(toEnd(machine)).toEqual({ kind: 'exited', status: 0 });
      return machine.engineStatistics;
    };
    const [one, many] = [run(1), run(9)];
    expect(one.translatedInstructions).toBeGreaterThan(500_000);
    expect(many.translatedInstructions).toBeGreaterThan(5 * one.translatedInstructions);
    expect(many.translated).toBeLessThan(1.5 * one.translated);
  });

  test('within the machine’s own process on request, and where effects outside are allowed', () => {
    for (const flags of [WITHIN_PROCESS, ALLOW_EFFECTS]) {
      const { machine, streams } = start(LONG, { flags });
      while (machine.run(1e5).kind === 'fuel') expect(pids(machine)).toEqual([]);
      expect(streams.text()).toBe('');
    }
  });

  test('a killed process fails its vCPU only; another one takes its place', () => {
    const log: string[] = [];
    const work = `${LONG}
      li t0, ${DATA}
      slli t1, s0, 3
      add t0, t0, t1
      sd s0, 0(t0)
      li t1, 2
      bne s0, t1, fine
      ${FOREVER}
    fine:`;
    const made = start(
      work,
      { vcpus: 6 },
      inProcesses(2, (text) => void log.push(text)),
    );
    const { machine } = made;
    let victim: number | undefined;
    let stop = machine.run(1e6);
    while (stop.kind === 'fuel' || stop.kind === 'waiting') {
      const endless = machine.liveHarts.find(({ vcpu }) => vcpu?.id === 2);
      // All others have ended: what is left is the endless one.
      if (victim === undefined && machine.liveHarts.length === 2) {
        victim = endless?.process;
        if (victim !== undefined) process.kill(victim, 'SIGKILL');
      }
      stop = machine.run(1e6);
    }
    const result = outcome(made, 6);
    const { statuses } = result;
    expect(stop).toEqual({ kind: 'exited', status: 1 });
    const ends = [1, 2, 3, 4, 5, 6].map((id) => (id === 2 ? KILLED : RETURNED));
    expect(statuses.map((status) => status[REASON])).toEqual(ends);
    expect(statuses[1][EXIT_CODE]).toBe(9n);
    expect(log).toEqual([
      `vCPU 2 of task 1 was killed: its process ${victim} was killed by SIGKILL`,
    ]);
    expect([...dataWords(result).subarray(0, 7)]).toEqual([0n, 1n, 0n, 3n, 4n, 5n, 6n]);
  });

  test('halting brings vCPUs home as they are, and the result is the same', () => {
    const counters = DATA + 0x4000;
    const work = `li t0, ${counters}
      slli t1, s0, 12
      add t0, t0, t1
      li t2, 1000000
    again:
      ld t3, 0(t0)
      addi t3, t3, 1
      sd t3, 0(t0)
      addi t2, t2, -1
      bnez t2, again`;
    const whole = outcome(start(work, {}, inProcesses(0)));
    const made = start(work);
    const { machine } = made;
    let looked = 0;
    while (runUntilAway(machine) !== undefined && looked < 10) {
      machine.halt();
      for (const { vcpu, process, state, space } of machine.liveHarts) {
        if (vcpu === undefined || process === undefined || state.x(7) === 0n) continue;
        // What it has done so far is here: its counter has run down as its memory has counted up.
        const done = space.readU64(counters + 0x1000 * vcpu.id) ?? -1n;
        expect([1_000_000n, 1_000_001n]).toContain(done + state.x(7));
        looked += 1;
      }
    }
    expect(looked).toBeGreaterThan(0);
    expect(outcome(made)).toEqual(whole);
  });

  test('a breakpoint inside is hit in the process and shown at home', () => {
    const made = start(`${LONG}\n nop\n`);
    const { machine } = made;
    const pid = runUntilAway(machine);
    machine.halt();
    const vcpu = machine.liveHarts.find(({ process }) => process === pid);
    // The `bnez` at the end of the loop.
    const address = (vcpu?.state.pc ?? 0) & ~7;
    expect(address).toBeGreaterThan(0);
    machine.stops.add(vcpu!.state.pc);
    const at = vcpu!.state.pc;
    const before = vcpu!.state.instret;
    let stop = machine.run(1e6, true);
    while (stop.kind === 'fuel' || stop.kind === 'waiting') stop = machine.run(1e6);
    expect(stop).toEqual({ kind: 'breakpoint', address: at });
    expect(machine.current.vcpu).toBeDefined();
    expect(machine.current.state.pc).toBe(at);
    expect(machine.current.state.instret).toBeGreaterThanOrEqual(before);
    machine.stops.delete(at);
    expect(toEnd(machine)).toEqual({ kind: 'exited', status: 0 });
  });

  test('processes are used again, and end with the machine', async () => {
    const seen = new Set<number>();
    const { machine } = start(LONG, { vcpus: 20 });
    while (machine.run(2e5).kind === 'fuel') pids(machine).forEach((pid) => seen.add(pid));
    expect(seen.size).toBeGreaterThan(0);
    expect(seen.size).toBeLessThanOrEqual(2);
    machine.dispose();
    machines.pop();
    await expect.poll(() => [...seen].filter(isAlive), { timeout: 10_000 }).toEqual([]);
  });

  test('where no process can be started, the threads do the work and it is said', () => {
    const log: string[] = [];
    const nowhere = childProcesses({ ...HOST_ENTRIES, process: '/dev/null' }, 2);
    const given = {
      ...inProcesses(0, (text) => void log.push(text)),
      workspaces: nowhere,
    };
    const made = start(LONG, {}, given);
    expect(toEnd(made.machine)).toEqual({ kind: 'exited', status: 0 });
    expect(log.at(-1)).toBe('workspace vCPUs run on threads of the machine from now on');
    expect(log[0]).toMatch(/^a process for workspace vCPUs could not be started: /);
  });
});
