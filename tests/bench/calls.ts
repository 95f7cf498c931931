import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineKind } from '../../emulator/engine/engine';
import { Machine } from '../../emulator/machine';
import { poolFor } from '../../emulator/multiprocess/hart-pool';
import { CapturedStreams } from '../support/captured-streams';
import { measureForks } from './forks';
import { DOT_LIMIT_US, EMPTY_TASK_LIMIT, sign } from './limits';
import type { Spread } from './spread';
import { textTable } from './text-table';
import { DATA, timedProgram, timesOf, type TimedLoop } from './timed-loop';

/** A measurement and, where there is one, the same of somebody else. */
export interface CallResult {
  readonly name: string;
  readonly time: Spread;
  /** QEMU's user mode, on this host, in the same run. */
  readonly qemu?: Spread;
  /** What the blog post that the feature comes from tells of its author's machine, in microseconds. */
  readonly post?: number;
  /** What the times may be at most. */
  readonly limit?: Partial<Spread>;
}

const MEMORY = 64 << 20;
const QEMU = 'qemu-riscv64-static';
const PIPE_BYTES = 4096;

const ecall = (number: number, ...args: readonly (number | string)[]): string =>
  [...args.map((value, i) => `li a${i}, ${value}`), `li a7, ${number}`, 'ecall'].join('\n');

/** The plain call on the caller's stack and the wait for it; the vCPUs do nothing but end. */
const empty = (vcpus: number): TimedLoop => ({
  body: `
    ${ecall(110, vcpus, 0)}
    beqz a0, main
    ${ecall(111)}
  main:
    ${ecall(111)}
    bnez a0, bad`,
  calls: 100,
  samples: 2000,
});

const getppid: TimedLoop = { body: ecall(173), calls: 1000, samples: 1000 };

/** 4 KiB into a pipe and out of it again. */
const pipe: TimedLoop = {
  setup: ecall(59, DATA, 0),
  body: `
    li s3, ${DATA}
    lw a0, 4(s3)
    li a1, ${DATA + 0x1000}
    li a2, ${PIPE_BYTES}
    li a7, 64
    ecall
    lw a0, 0(s3)
    li a1, ${DATA + 0x1000}
    li a2, ${PIPE_BYTES}
    li a7, 63
    ecall
    li t0, ${PIPE_BYTES}
    bne a0, t0, bad`,
  calls: 200,
  samples: 400,
};

/** Runs a program on threads and gives what it has written. */
function run(elf: Uint8Array, args: readonly string[], engine: EngineKind = 'interpreter'): Buffer {
  const streams = new CapturedStreams();
  const parts: Uint8Array[] = [];
  const stdout = {
    isTerminal: false,
    write: (bytes: Uint8Array): number => parts.push(bytes.slice()) && bytes.length,
  };
  const pool = poolFor(join(import.meta.dirname, 'pool-thread.js'));
  const machine = Machine.create({
    elf,
    args,
    engine,
    pool,
    streams: { ...streams, stdout },
    memoryLimit: MEMORY,
  });
  try {
    const stop = machine.runToEnd();
    if (stop.kind !== 'exited' || stop.status !== 0) throw new Error(JSON.stringify(stop));
  } finally {
    machine.dispose();
  }
  return Buffer.concat(parts);
}

/** The same loop in QEMU's user mode; undefined where QEMU is not. */
function inQemu(loop: TimedLoop): Spread | undefined {
  if (spawnSync(QEMU, ['--version']).error !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  try {
    const file = join(folder, 'loop.elf');
    writeFileSync(file, timedProgram(loop), { mode: 0o755 });
    return timesOf(execFileSync(QEMU, [file]), loop);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timed(name: string, loop: TimedLoop, engine: EngineKind = 'interpreter'): CallResult {
  return { name, time: timesOf(run(timedProgram(loop), ['loop'], engine), loop) };
}

function timedBesideQemu(name: string, loop: TimedLoop): CallResult {
  const qemu = inQemu(loop);
  return { ...timed(name, loop), ...(qemu && { qemu }) };
}

/** The dot product of 8192 floats, plain or by the plain calls on four vCPUs. */
function dot(name: string, mode: 'plain' | 'post', engine: EngineKind, post?: number): CallResult {
  const elf = readFileSync('guests/bin/mp-dot.elf');
  const text = run(elf, ['mp-dot', mode, '4', '8192', '300', '51'], engine).toString();
  const field = (key: string): number => Number(new RegExp(`${key}=([0-9.]+)`).exec(text)?.[1]);
  const time = { minimumUs: field('min_us'), medianUs: field('median_us') };
  if (Number.isNaN(time.minimumUs + time.medianUs)) throw new Error(`mp-dot printed ${text}`);
  return { name, time, ...(post !== undefined && { post }) };
}

/** All of it; some twenty seconds. */
export function measureCalls(progress: (text: string) => void): CallResult[] {
  const results: CallResult[] = [];
  const add = (measure: () => CallResult): void => {
    const result = measure();
    results.push(result);
    progress(`${result.name} … `);
  };
  // First, as in a process that runs one guest: the host has compiled nothing for other machines yet.
  add(() => ({
    ...timed('4 vCPUs that do nothing', empty(4)),
    post: 11,
    limit: EMPTY_TASK_LIMIT,
  }));
  add(() => timed('4 vCPUs that do nothing, translated', empty(4), 'auto'));
  add(() => dot('dot of 8 Ki, one hart', 'plain', 'interpreter', 210));
  add(() => dot('dot of 8 Ki, 4 vCPUs', 'post', 'interpreter', 78));
  add(() => ({
    ...dot('dot of 8 Ki, one hart, translated', 'plain', 'auto'),
    limit: { minimumUs: DOT_LIMIT_US },
  }));
  add(() => dot('dot of 8 Ki, 4 vCPUs, translated', 'post', 'auto', 37));
  add(() => timed('4 vCPUs that do nothing, after other machines', empty(4)));
  for (const vcpus of [1, 2, 8])
    add(() =>
      timed(`${vcpus} ${vcpus === 1 ? 'vCPU that does' : 'vCPUs that do'} nothing`, empty(vcpus)),
    );
  add(() => timedBesideQemu('getppid', getppid));
  add(() => timedBesideQemu('4 KiB through a pipe', pipe));
  for (const { name, time } of measureForks()) add(() => ({ name, time }));
  return results;
}

const us = (value: number | undefined): string =>
  value === undefined ? '' : value.toFixed(value < 10 ? 2 : 1);

const limitText = (time: number, limit: number | undefined): string =>
  limit === undefined ? '' : ` ≤ ${limit} ${sign(time <= limit)}`;

/** The results as a table for people: µs at best, the median, and of others. */
export function printCalls(results: readonly CallResult[]): string {
  const columns = ['at best', 'median', 'QEMU', 'median', 'the post', 'limits'];
  return textTable(
    ['µs', ...columns],
    results.map(({ name, time, qemu, post, limit }) => [
      name,
      us(time.minimumUs),
      us(time.medianUs),
      us(qemu?.minimumUs),
      us(qemu?.medianUs),
      us(post),
      limitText(time.minimumUs, limit?.minimumUs) + limitText(time.medianUs, limit?.medianUs),
    ]),
  );
}
