import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Machine, type MachineOptions } from '../../../emulator';
import { checkTables } from '../../../emulator/memory/check';
import { poolOf } from '../../support/host-entries';
import { keptMachines } from '../../support/kept-machines';

const THREADS = 3;
const machines = keptMachines();

function create(
  guest: string,
  args: string[],
  options: Partial<MachineOptions> = {},
): { machine: Machine; readonly text: () => string } {
  const bytes: number[] = [];
  const out = {
    isTerminal: false,
    write(part: Uint8Array): number {
      bytes.push(...part);
      return part.length;
    },
  };
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${guest}.elf`),
    args: [guest, ...args],
    memoryLimit: 64 << 20,
    streams: { stdin: { isTerminal: false, read: () => 'eof' }, stdout: out, stderr: out },
    pool: poolOf(THREADS),
    ...options,
  });
  machines.push(machine);
  return { machine, text: () => new TextDecoder().decode(Uint8Array.from(bytes)) };
}

/** Runs to the end; waits of the guest last as long as they last. */
function finish(machine: Machine): unknown {
  for (;;) {
    const stop = machine.run(1e9);
    if (stop.kind !== 'fuel' && stop.kind !== 'waiting') return stop;
  }
}

interface ExpectedRun {
  readonly guest: string;
  readonly arguments: string[];
  readonly environment?: Record<string, string>;
  readonly emulator?: boolean;
  readonly status?: number;
  readonly output: string;
}

const { runs } = JSON.parse(readFileSync('guests/expected/runs.json', 'utf8')) as {
  runs: ExpectedRun[];
};
const untimed = (text: string): string => text.replace(/(_us|time)=[0-9.]+/g, '$1=<time>');

describe('on real threads', () => {
  test.each(runs.filter(({ emulator }) => emulator === true))(
    '$guest $arguments $environment prints what it should',
    ({ guest, arguments: args, environment = {}, status = 0, output }) => {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const { machine, text } = create(guest, args, { environment: variables });
      expect(finish(machine)).toEqual({ kind: 'exited', status });
      expect(untimed(text())).toBe(readFileSync(`guests/expected/${output}`, 'utf8'));
    },
  );

  test('no update by LR/SC is lost in 10^6, and none by AMO', () => {
    const { machine, text } = create('mp-lrsc', ['call', '8', '125000']);
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(text()).toContain('1000000');
    const histogram = create('mp-histogram', ['call', '4']);
    expect(finish(histogram.machine)).toEqual({ kind: 'exited', status: 0 });
  });

  test('each end has its status, and the endless vCPU ends at its limit', () => {
    const parallel = create('mp-faults', []);
    const turns = create('mp-faults', [], { pool: undefined });
    expect(finish(parallel.machine)).toEqual(finish(turns.machine));
    expect(parallel.text()).toBe(turns.text());
  });

  test('rounds of tasks leave the page tables in order and nothing behind', () => {
    for (let round = 0; round < 6; round++) {
      for (const guest of ['mp-matmul', 'mp-nested', 'mp-pipeline', 'mp-many']) {
        const { machine } = create(guest, []);
        expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
        machine.halt();
        expect(machine.liveHarts).toHaveLength(1);
        expect(checkTables(machine.space.arena)).toEqual([]);
        machine.dispose();
        machines.pop();
      }
    }
  });

  test('a pool without its threads is reported, and the home thread does the work', async () => {
    const messages: string[] = [];
    const { machine, text } = create('mp-dot', ['call', '4'], {
      pool: { entry: '/nowhere/pool-thread.js', threads: 2 },
      log: (message) => void messages.push(message),
    });
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    expect(text()).toContain('= 8192');
    // The thread that translates has the same entry, and says so as well.
    const ofPool = /^A thread for vCPUs has ended: .*nowhere/;
    await expect.poll(() => messages.filter((line) => ofPool.test(line)).length).toBe(2);
    await expect.poll(() => messages.length).toBe(3);
    expect(messages.join('\n')).toMatch(/^The thread that translates .*nowhere/m);
  });

  test('halting brings every hart home, and the run goes on where it was', () => {
    const { machine, text } = create('mp-mandelbrot', ['call', '4']);
    for (let i = 0; i < 40; i++) {
      machine.run(50_000);
      machine.halt();
      const before = machine.liveHarts.map(({ state }) => state.instret);
      expect(machine.liveHarts.map(({ state }) => state.instret)).toEqual(before);
    }
    expect(finish(machine)).toEqual({ kind: 'exited', status: 0 });
    const turns = create('mp-mandelbrot', ['call', '4'], { pool: undefined });
    finish(turns.machine);
    expect(text()).toBe(turns.text());
  });
});
