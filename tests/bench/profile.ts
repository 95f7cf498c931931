import { readFileSync } from 'node:fs';
import type { MachineStop } from '../../emulator/debug/target';
import { Machine } from '../../emulator/machine';
import { TimeSampler } from '../../emulator/debug/time-sampler';
import { CapturedStreams } from '../support/captured-streams';
import { COUNTING_LOSS_LIMIT, sign } from './limits';

/** What counting, sampling and timed events cost, kernel by kernel, in one run. */
export const PROFILE_KERNELS = ['dot', 'sieve', 'matmul', 'sha256', 'fib', 'intmix'] as const;
interface Way {
  readonly name: string;
  /** The way that it is compared with. */
  readonly by: string;
  readonly engine: keyof typeof SAMPLES;
  readonly profile?: boolean;
  readonly samples?: boolean;
  readonly events?: boolean;
}
/** `auto` is what programs run on; `events` are timed as the debugger wants them. */
const WAYS: readonly Way[] = [
  { name: 'off', by: 'off', engine: 'auto' },
  { name: 'counting', by: 'off', engine: 'auto', profile: true },
  { name: 'sampling', by: 'off', engine: 'auto', samples: true },
  { name: 'events', by: 'off', engine: 'auto', events: true },
  { name: 'interpreter', by: 'interpreter', engine: 'interpreter' },
  { name: 'its counting', by: 'interpreter', engine: 'interpreter', profile: true },
];
/** Instructions between two looks at the clock, and nanoseconds between two looks at the stack, as on the command line. */
const SLICE = 500_000;
const EVERY = 1e6;
/** Of each kernel: the median counts. */
const SAMPLES = { auto: 9, interpreter: 3 } as const;

export interface ProfileCost {
  readonly kernel: string;
  /** Microseconds for one call of the kernel, the least of all rounds, by what was switched on. */
  readonly us: Readonly<Record<string, number>>;
}

function time(kernel: string, { engine, profile, samples, events }: Way): number {
  const streams = new CapturedStreams();
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${kernel}.elf`),
    args: [kernel, '0', String(SAMPLES[engine])],
    streams,
    memoryLimit: 256 << 20,
    engine,
    profile: profile ?? false,
  });
  if (events) machine.arena.events.timed = true;
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

/** @param names of kernels, all when there is none */
export function measureProfile(
  names: readonly string[],
  rounds: number,
  progress: (text: string) => void,
): ProfileCost[] {
  const kernels = PROFILE_KERNELS.filter((name) => names.length === 0 || names.includes(name));
  return kernels.map((kernel) => {
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
  const compared = WAYS.filter(({ name, by }) => name !== by);
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(8) : cell.padStart(18))).join('');
  const ratio = (us: ProfileCost['us'], { name, by, profile }: Way): string => {
    const lost = 1 - us[by] / us[name];
    const mark = profile ? ` ${sign(lost <= COUNTING_LOSS_LIMIT)}` : '';
    return `${(us[name] / us[by]).toFixed(2)}${mark}`;
  };
  return [
    row([
      'kernel',
      ...WAYS.map(({ name }) => `${name} µs`),
      ...compared.map(({ name }) => `${name} ÷`),
    ]),
    ...costs.map(({ kernel, us }) =>
      row([
        kernel,
        ...WAYS.map(({ name }) => us[name].toFixed(1)),
        ...compared.map((way) => ratio(us, way)),
      ]),
    ),
    `✓: counting costs at most ${100 * COUNTING_LOSS_LIMIT} % of speed, so up to ${(1 / (1 - COUNTING_LOSS_LIMIT)).toFixed(2)} times the time`,
  ].join('\n');
}
