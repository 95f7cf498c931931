import { DebugSession } from '../../emulator/debug/session';
import type { MachineState, PagesInfo, WriteTrackingInfo } from '../../emulator/debug/protocol';
import { assemble } from '../../emulator/isa';
import { Machine } from '../../emulator/machine';
import { PAGE_SIZE } from '../../emulator/memory/layout';
import { writeElf } from '../support/elf-writer';

const CODE = 0x10000;
/** The mapping: nearly a million pages. */
const MAPPED = 0x1000_0000;
const MAPPED_PAGES = 0xe_8000;
const VCPUS = 64;
/** Pages that main writes before, 64 Ki: a run of 8, then a gap of 6 never written, and so on. */
const WRITTEN_RUNS = 8192;
const RUN = 8;
const GAP = 6;
/** Pages that each vCPU writes. */
const STORED = 8;

/**
 * Maps 950,272 pages, writes 65,536 of them in 8192 runs, then forks 64 vCPUs that write a page of their own in every
 * second run of their part, over and over, and never end.
 */
function scaleProgram(): Uint8Array {
  const stride = (RUN + GAP) * PAGE_SIZE;
  const part = (WRITTEN_RUNS / VCPUS) * stride;
  const { bytes } = assemble(
    `
    li a0, ${MAPPED}
    li a1, ${MAPPED_PAGES * PAGE_SIZE}
    li a2, 3
    li a3, 0x32
    li a4, -1
    li a5, 0
    li a7, 222
    ecall
    mv s0, a0
    li t0, ${WRITTEN_RUNS}
  run:
    li t1, ${RUN}
  page:
    sd t0, 0(a0)
    li t2, ${PAGE_SIZE}
    add a0, a0, t2
    addi t1, t1, -1
    bnez t1, page
    li t2, ${GAP * PAGE_SIZE}
    add a0, a0, t2
    addi t0, t0, -1
    bnez t0, run
    li a0, ${VCPUS}
    li a1, 0
    li a2, 0
    li a7, 110
    ecall
    beqz a0, wait
    addi a0, a0, -1
    li t0, ${part}
    mul t0, t0, a0
    add s0, s0, t0
  again:
    mv t3, s0
    li t1, ${STORED}
  store:
    sd a0, 8(t3)
    li t2, ${2 * stride}
    add t3, t3, t2
    addi t1, t1, -1
    bnez t1, store
    j again
  wait:
    li a7, 111
    ecall
    li a7, 94
    ecall`,
    { base: CODE },
  );
  return writeElf(CODE, [{ address: CODE, bytes, writable: false, executable: true }]);
}

/** Bytes of an answer as it is sent: its arrays, and the rest as text. */
function messageBytes(info: Partial<PagesInfo>): number {
  let bytes = 0;
  const rest = Object.fromEntries(
    Object.entries(info).filter(([, value]) => {
      if (!ArrayBuffer.isView(value)) return true;
      bytes += value.byteLength;
      return false;
    }),
  );
  return bytes + JSON.stringify(rest).length;
}

const MEMORY = 1 << 30;
const UPDATE_MS = 100;

/** What the Pages pane costs while 64 vCPUs run beside a million mapped pages. */
export interface PagesResult {
  readonly pages: number;
  readonly rows: number;
  readonly spaces: number;
  /** Milliseconds of the first answer, of the slowest one while vCPUs take their pages, and of the median after that. */
  readonly first: number;
  readonly slowest: number;
  readonly settled: number;
  /** Bytes of a whole answer; one where nothing has changed is `null`. */
  readonly bytes: number;
  readonly unchanged: number;
  readonly updates: number;
  readonly tracking: WriteTrackingInfo;
}

/** Runs the guest in a debugger's session and asks for the pages ten times a second, as the window does. */
export async function measurePages(updates: number): Promise<PagesResult> {
  let state: MachineState | undefined;
  let machine: Machine | undefined;
  const session = new DebugSession(
    {
      events: {
        stateChanged: (next) => void (state = next),
        output: () => undefined,
        breakpointsChanged: () => undefined,
        message: (text) => console.error(text),
      },
      safepoint: () => new Promise((resolve) => setImmediate(resolve)),
      pauseRequested: () => false,
      clearPause: () => undefined,
    },
    (request, streams) =>
      (machine = Machine.create({ ...request, memoryLimit: MEMORY, streams, stopAtFaults: true })),
  );
  try {
    const request = { name: 'pages', args: ['pages'], environment: [], columns: 80, rows: 24 };
    await session.open({ ...request, elf: scaleProgram() });
    await session.run();
    while ((state?.harts.length ?? 0) <= VCPUS) await pause(1);
    let info = await timed(() => session.pages());
    const [first] = [info.took];
    const times: number[] = [];
    let unchanged = 0;
    for (let n = 0; n < updates; n++) {
      await pause(UPDATE_MS);
      const { value, took } = await timed(() => session.pagesSince(info.value.version));
      times.push(took);
      if (value === null) unchanged += 1;
      else info = { value, took };
    }
    await session.pause();
    await session.trackWrites(true);
    await session.run();
    await pause(1000);
    const { tracking } = await session.pages();
    const { value } = info;
    const settled = times.slice(-Math.ceil(updates / 2)).sort((a, b) => a - b);
    return {
      pages: MAPPED_PAGES,
      rows: value.first.length,
      spaces: value.spaces.length,
      first,
      slowest: Math.max(...times),
      settled: settled[Math.floor(settled.length / 2)] ?? 0,
      bytes: messageBytes(value),
      unchanged,
      updates,
      tracking,
    };
  } finally {
    await session.pause();
    machine?.dispose();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function timed<T>(ask: () => Promise<T>): Promise<{ value: T; took: number }> {
  const before = performance.now();
  const value = await ask();
  return { value, took: performance.now() - before };
}

export function printPages(result: PagesResult): string {
  const { pages, rows, spaces, first, slowest, settled, bytes, unchanged, updates } = result;
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const { slowdown, mips } = result.tracking;
  return [
    `${pages} pages, ${spaces} address spaces, ${rows} rows; asked for 10 times a second while 64 vCPUs run`,
    `  first answer                       ${ms(first)}`,
    `  slowest while pages change         ${ms(slowest)}, ${(slowest / first).toFixed(2)} of the first`,
    `  median of the second half          ${ms(settled)}, ${(settled / first).toFixed(4)} of the first`,
    `  bytes of an answer                 ${bytes}; ${unchanged} of ${updates} were empty`,
    `  write tracking                     ${mips?.toFixed(0)} MIPS, ${slowdown?.toFixed(1)} times slower`,
  ].join('\n');
}
