import { DebugSession } from '../../emulator/debug/session';
import type { BreakpointSpec, MachineState } from '../../emulator/debug/protocol';
import { Machine } from '../../emulator/machine';
import { PAGE_SIZE } from '../../emulator/memory/layout';
import type { Spread } from './spread';
import { DATA, timedProgram, timesOf, type TimedLoop } from './timed-loop';

/** What a store costs in a guest that is being debugged. */
export interface WatchResult {
  readonly name: string;
  /** Microseconds per turn of a loop of one store, one addition and one branch. */
  readonly time: Spread;
}

/** Where the loop writes, and the pages that are watched or not: all of them are mapped and written. */
const LOOP = 0x4000_0000;
const PAGES = 2048;
/** Room between the loop's page and those that are watched. */
const OTHERS = LOOP + 16 * PAGE_SIZE;
const MEMORY = 64 << 20;

interface Case {
  readonly name: string;
  readonly watched: readonly Partial<BreakpointSpec>[];
  /** How far into the mapped pages the loop writes [0]. */
  readonly offset?: number;
  readonly calls: number;
  readonly samples: number;
}

const FAST = { calls: 100_000, samples: 40 } as const;

const hex = (address: number): string => `0x${address.toString(16)}`;
const onOtherPages = (count: number): Partial<BreakpointSpec>[] =>
  Array.from({ length: count }, (_, n) => ({ at: hex(OTHERS + n * PAGE_SIZE) }));

const CASES: readonly Case[] = [
  { name: 'no data breakpoint', watched: [], ...FAST },
  { name: '1 on another page', watched: onOtherPages(1), ...FAST },
  { name: '32 on other pages', watched: onOtherPages(32), ...FAST },
  { name: '1,000 on other pages', watched: onOtherPages(1000), ...FAST },
  {
    name: 'beside a watched byte of the page',
    watched: [{ at: hex(LOOP + 64), length: 1 }],
    calls: 5000,
    samples: 40,
  },
  {
    name: 'between 1,000 watched pages that do not adjoin',
    watched: onOtherPages(2001).filter((_, n) => n % 2 === 0),
    offset: OTHERS + 1001 * PAGE_SIZE - LOOP,
    ...FAST,
  },
  {
    name: 'to a watched byte, the condition does not hold',
    watched: [{ at: hex(LOOP), length: 1, condition: 'new == 256' }],
    calls: 2000,
    samples: 10,
  },
];

const TCGETS = 0x5401;
const TCSETS = 0x5402;
const ioctl = (request: number): string => `
    li a0, 1
    li a1, ${request}
    li a2, ${DATA}
    li a7, 29
    ecall`;

function loopOf({ offset = 0, calls, samples }: Case): TimedLoop {
  return {
    // The session's output is a terminal, which is not to change the times that are written to it.
    setup: `
    ${ioctl(TCGETS)}
    li t0, ${DATA}
    sw zero, 4(t0)
    ${ioctl(TCSETS)}
    li a0, ${LOOP}
    li a1, ${PAGES * PAGE_SIZE}
    li a2, 3
    li a3, 0x32
    li a4, -1
    li a5, 0
    li a7, 222
    ecall
    li s3, ${LOOP}
    bne a0, s3, bad
    li t0, ${PAGES}
    li t1, ${PAGE_SIZE}
  touch:
    sd t0, 128(a0)
    add a0, a0, t1
    addi t0, t0, -1
    bnez t0, touch
    li t0, ${offset}
    add s3, s3, t0`,
    body: 'sd s2, 0(s3)',
    calls,
    samples,
  };
}

/** Runs the loop in a debugger's session, as the window and `hartscope debug` do. */
async function run(measured: Case): Promise<Spread> {
  const loop = loopOf(measured);
  const output: Uint8Array[] = [];
  let state: MachineState | undefined;
  let machine: Machine | undefined;
  const session = new DebugSession(
    {
      events: {
        stateChanged: (next) => void (state = next),
        output: (bytes) => void output.push(bytes),
        breakpointsChanged: () => undefined,
        message: () => undefined,
      },
      safepoint: () => new Promise((resolve) => setImmediate(resolve)),
      pauseRequested: () => false,
      clearPause: () => undefined,
    },
    (request, streams) =>
      (machine = Machine.create({ ...request, memoryLimit: MEMORY, streams, stopAtFaults: true })),
  );
  try {
    const name = 'watch';
    const elf = timedProgram(loop);
    await session.open({ name, elf, args: [name], environment: [], columns: 80, rows: 24 });
    for (const spec of measured.watched) {
      await session.addBreakpoint({ at: '', ...spec, kind: 'data', enabled: true });
    }
    await session.run();
    while (state?.running !== false) await new Promise((resolve) => setTimeout(resolve, 5));
    if (state.stop?.kind !== 'exited' || state.stop.status !== 0) {
      throw new Error(`${measured.name}: ${JSON.stringify(state.stop)}`);
    }
    return timesOf(Buffer.concat(output), loop);
  } finally {
    machine?.dispose();
  }
}

/** What data breakpoints cost stores to watched and to other pages; rounds go over all cases in turn. */
export async function measureWatch(
  rounds: number,
  progress: (text: string) => void,
): Promise<WatchResult[]> {
  const best = new Map<string, Spread>();
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}\n`);
    for (const measured of CASES) {
      const time = await run(measured);
      const before = best.get(measured.name) ?? time;
      // Whatever else the host does only makes it slower: the calmest samples count.
      best.set(measured.name, {
        medianUs: Math.min(before.medianUs, time.medianUs),
        minimumUs: Math.min(before.minimumUs, time.minimumUs),
      });
    }
  }
  return [...best].map(([name, time]) => ({ name, time }));
}

export function printWatch(results: readonly WatchResult[]): string {
  const [none] = results;
  const ns = (us: number): string => (1000 * us).toFixed(us < 0.1 ? 2 : 0);
  const lines = ['a store and the loop around it: ns at best (median of the calmest round), ratio'];
  for (const { name, time } of results) {
    const text = `${ns(time.minimumUs)} (${ns(time.medianUs)})`.padStart(20);
    const ratio = (time.minimumUs / none.time.minimumUs).toFixed(2).padStart(10);
    lines.push(`  ${name.padEnd(48)}${text}${ratio}×`);
  }
  return lines.join('\n');
}
