import { readFileSync } from 'node:fs';
import type { MachineStop } from '../../emulator/debug/target';
import { Machine } from '../../emulator/machine';
import { TimeSampler } from '../../emulator/debug/time-sampler';
import { CapturedStreams } from '../support/captured-streams';

/** What counting and sampling cost, kernel by kernel, in one run. */
const KERNELS = ['dot', 'sieve', 'matmul', 'sha256', 'fib', 'intmix'] as const;
const WAYS = [
  { name: 'off', profile: false, samples: false },
  { name: 'counting', profile: true, samples: false },
  { name: 'sampling', profile: false, samples: true },
] as const;
type Way = (typeof WAYS)[number];
/** Instructions between two looks at the clock, and nanoseconds between two looks at the stack, as on the command line. */
const SLICE = 500_000;
const EVERY = 1e6;
const SAMPLES = 9;

export interface ProfileCost {
  readonly kernel: string;
  /** Microseconds for one call of the kernel, the least of all rounds, by what was switched on. */
  readonly us: Readonly<Record<string, number>>;
}

function time(kernel: string, { profile, samples }: Way): number {
  const streams = new CapturedStreams();
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${kernel}.elf`),
    args: [kernel, '0', String(SAMPLES)],
    streams,
    memoryLimit: 256 << 20,
    profile,
  });
  const stop = samples ? runSampled(machine) : machine.runToEnd();
  machine.dispose();
  const us = Number(/median_us=([0-9.]+)/.exec(streams.text())?.[1]);
  if (stop.kind !== 'exited' || stop.status !== 0 || !Number.isFinite(us)) {
    throw new Error(`${kernel} ended with ${JSON.stringify(stop)}: ${streams.text()}`);
  }
  return us;
}

function runSampled(machine: Machine): MachineStop {
  const sampler = new TimeSampler(machine, 'nanoseconds', EVERY);
  for (;;) {
    const stop = machine.run(SLICE);
    sampler.take();
    if (stop.kind !== 'fuel') return stop;
  }
}

export function measureProfile(rounds: number, progress: (text: string) => void): ProfileCost[] {
  return KERNELS.map((kernel) => {
    progress(`${kernel} … `);
    const us: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      for (const way of WAYS) {
        us[way.name] = Math.min(us[way.name] ?? Infinity, time(kernel, way));
      }
    }
    return { kernel, us };
  });
}

export function printProfile(costs: readonly ProfileCost[]): string {
  const names = WAYS.map(({ name }) => name);
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(16))).join('');
  return [
    row([
      'kernel',
      ...names.map((name) => `${name} µs`),
      ...names.slice(1).map((n) => `${n} ÷ off`),
    ]),
    ...costs.map(({ kernel, us }) =>
      row([
        kernel,
        ...names.map((name) => us[name].toFixed(1)),
        ...names.slice(1).map((name) => (us[name] / us.off).toFixed(2)),
      ]),
    ),
  ].join('\n');
}
