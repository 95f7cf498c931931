import { readFileSync } from 'node:fs';
import { Machine } from '../../emulator/machine';
import { CapturedStreams } from '../support/captured-streams';

/** What counting and sampling cost, kernel by kernel, in one run. */
const KERNELS = ['dot', 'sieve', 'matmul', 'sha256', 'fib', 'intmix'] as const;
const WAYS = [
  { name: 'off', profile: false },
  { name: 'counting', profile: true },
] as const;
const SAMPLES = 9;

export interface ProfileCost {
  readonly kernel: string;
  /** Microseconds for one call of the kernel, the least of all rounds, by what was switched on. */
  readonly us: Readonly<Record<string, number>>;
}

function time(kernel: string, profile: boolean): number {
  const streams = new CapturedStreams();
  const machine = Machine.create({
    elf: readFileSync(`guests/bin/${kernel}.elf`),
    args: [kernel, '0', String(SAMPLES)],
    streams,
    memoryLimit: 256 << 20,
    profile,
  });
  const stop = machine.runToEnd();
  machine.dispose();
  const us = Number(/median_us=([0-9.]+)/.exec(streams.text())?.[1]);
  if (stop.kind !== 'exited' || stop.status !== 0 || !Number.isFinite(us)) {
    throw new Error(`${kernel} ended with ${JSON.stringify(stop)}: ${streams.text()}`);
  }
  return us;
}

export function measureProfile(rounds: number, progress: (text: string) => void): ProfileCost[] {
  return KERNELS.map((kernel) => {
    progress(`${kernel} … `);
    const us: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      for (const { name, profile } of WAYS) {
        us[name] = Math.min(us[name] ?? Infinity, time(kernel, profile));
      }
    }
    return { kernel, us };
  });
}

export function printProfile(costs: readonly ProfileCost[]): string {
  const names = WAYS.map(({ name }) => name);
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(14))).join('');
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
