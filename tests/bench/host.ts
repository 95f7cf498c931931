import { readFileSync } from 'node:fs';
import type { EngineKind } from '../../emulator/engine/engine';
import { Machine } from '../../emulator/machine';
import { ArenaPool } from '../../emulator/memory/arena-pool';
import { CapturedStreams } from '../support/captured-streams';
import { FORK_LIMITS_US, sign } from './limits';
import { ENGINES } from './multiprocess';
import { spread, type Spread } from './spread';

/** One line of the table: what is measured, and what it is compared with. */
export interface HostResult {
  readonly name: string;
  readonly time: Spread;
  /** The same with events off. */
  readonly without?: Spread;
  /** What it may take at most, in microseconds. */
  readonly limitUs?: number;
}

const SAMPLE_US = 40_000;
/** Of an embedder's call, in a round, once the host has compiled it. */
const SAMPLES = 10;
const WARM_UP_MS = 50;
const MEMORY = 64 << 20;
const MODES = ['call', 'fork-here'] as const;
const SIZES = [
  [0, 'empty'],
  [8 << 10, '8 Ki'],
] as const;
const VCPUS = 4;

const arenas = new ArenaPool({ limitBytes: MEMORY });
const dot = readFileSync('guests/bin/mp-dot.elf');
const fib = readFileSync('guests/bin/fib.elf');

interface EventCell {
  readonly engine: EngineKind;
  readonly mode: string;
  readonly elements: number;
}

/**
 * Microseconds per call of mp-dot: the best of some samples of `calls` calls. On one thread, where all that events cost
 * is waited for.
 */
function sample({ engine, mode, elements }: EventCell, calls: number, events: boolean): number {
  const streams = new CapturedStreams();
  const args = ['mp-dot', mode, String(VCPUS), String(elements), String(calls), '5'];
  const arena = arenas.take();
  const machine = Machine.create({ elf: dot, args, streams, arena, engine, events });
  try {
    for (;;) {
      const stop = machine.run(1e9);
      if (stop.kind === 'exited' && stop.status === 0) break;
      if (stop.kind !== 'fuel' && stop.kind !== 'waiting') {
        throw new Error(`mp-dot ${args.join(' ')}: ${JSON.stringify(stop)}`);
      }
    }
  } finally {
    machine.dispose();
    arenas.giveBack(arena);
  }
  const found = /min_us=([0-9.]+)/.exec(streams.text());
  if (!found) throw new Error(`mp-dot ${args.join(' ')} printed no time`);
  return Number(found[1]);
}

function measureEvents(rounds: number): HostResult[] {
  const cells = ENGINES.flatMap((engine) =>
    MODES.flatMap((mode) => SIZES.map(([elements, name]) => ({ engine, mode, elements, name }))),
  );
  return cells.map(({ name, ...cell }) => {
    const calls = Math.max(1, Math.round(SAMPLE_US / sample(cell, 3, true)));
    const [on, off]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      // In alternating order: the second one may find a warmer machine.
      const order = round % 2 === 0 ? [true, false] : [false, true];
      for (const events of order) (events ? on : off).push(sample(cell, calls, events));
    }
    return {
      name: `mp-dot ${cell.mode}, ${VCPUS} vCPUs, ${name}${cell.engine === 'auto' ? ', translated' : ''}`,
      time: spread(on),
      without: spread(off),
    };
  });
}

/** Microseconds that `action` takes, from samples of many. */
function time(name: string, rounds: number, action: () => void): HostResult {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) action();
  const times = [];
  for (let sample = 0; sample < SAMPLES * rounds; sample++) {
    const start = performance.now();
    const count = 500;
    for (let i = 0; i < count; i++) action();
    times.push(((performance.now() - start) / count) * 1000);
  }
  return { name, time: spread(times) };
}

function measureFamily(rounds: number): HostResult[] {
  const options = { elf: fib, args: ['fib'], streams: new CapturedStreams(), memoryLimit: MEMORY };
  const caller = Machine.create(options);
  const called = Machine.create({ ...options, family: caller });
  const start = caller.memoryMap().find(({ permissions }) => permissions.includes('w'))?.start;
  if (start === undefined) throw new Error('fib has no data');
  const remote = (pages: number): HostResult => {
    caller.space.map(0x6000_0000, 4096 * pages, 3);
    for (let i = 0; i < pages; i++) caller.space.writeU8(0x6000_0000 + 4096 * i, 1);
    const lend = [{ from: caller.space, address: 0x6000_0000, length: 4096 * pages }];
    return time(`call in another machine, ${pages} pages lent`, rounds, () => {
      called.call('fib', [1], { lend });
    });
  };
  try {
    return [
      time('call of a function of a few instructions', rounds, () => called.call('fib', [1])),
      remote(1),
      remote(16),
    ];
  } finally {
    called.dispose();
    caller.dispose();
  }
}

/** Forks by the embedder of a machine's memory alone, and of all of it, with so many pages that were written. */
function measureForks(rounds: number): HostResult[] {
  return FORK_LIMITS_US.flatMap(([pages, limitUs]) => {
    const streams = new CapturedStreams();
    const machine = Machine.create({ elf: fib, args: ['fib'], streams, memoryLimit: MEMORY });
    const { space, arena } = machine;
    const START = 0x6000_0000;
    const more = pages - arena.frames.used;
    space.map(START, 4096 * more, 3);
    for (let page = 0; page < more; page++) space.writeU8(START + 4096 * page, 1);
    const of = `${pages.toLocaleString('en')} pages`;
    try {
      const memory = time(`fork of a space, and its end, ${of}`, rounds, () => {
        space.fork().destroy();
      });
      const whole = time(`fork of a machine, and its end, ${of}`, rounds, () => {
        machine.fork().dispose();
      });
      return [memory, whole].map((result) => ({ ...result, limitUs }));
    } finally {
      machine.dispose();
    }
  });
}

/** What events cost, and what the calls of an embedder do. */
export function measureHost(rounds: number): HostResult[] {
  return [...measureEvents(rounds), ...measureFamily(rounds), ...measureForks(rounds)];
}

export function printHost(results: readonly HostResult[]): string {
  const lines = ['µs at best (median); with events, without, and what they cost'];
  for (const { name, time, without, limitUs } of results) {
    const text = (value: Spread): string =>
      `${value.minimumUs.toFixed(2)} (${value.medianUs.toFixed(2)})`.padStart(20);
    const percent = (a: number, b: number): string => `${(100 * (a / b - 1)).toFixed(1)} %`;
    const cost = without
      ? `${text(without)}   ${percent(time.minimumUs, without.minimumUs)} (${percent(time.medianUs, without.medianUs)})`
      : '';
    const limit = limitUs === undefined ? '' : `   ≤ ${limitUs} ${sign(time.minimumUs <= limitUs)}`;
    lines.push(`  ${name.padEnd(44)}${text(time)}${cost}${limit}`);
  }
  return lines.join('\n');
}
