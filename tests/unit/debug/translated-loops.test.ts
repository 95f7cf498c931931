import { afterEach, describe, expect, test } from 'vitest';
import { EXACT_LABELS, EXACT_LOOP, exactState, type ExactLabel } from '../../support/exact-loop';
import { poolOf } from '../../support/host-entries';
import { Random } from '../../support/random';
import { call, DATA, programOf } from '../multiprocess/stress';
import { Client } from './client';

/*
 * A debugger that attaches at any instant to loops that run in translated code. What a hart of the loop has at each of its
 * instructions follows from its rounds, so that every stop can be checked whole: registers, memory and the count of instructions.
 */

let client: Client;
afterEach(async () => {
  await client.session.pause();
  client.end();
});

/** Where hart `n` stores its rounds. */
const counterOf = (hart: number): number => DATA + 0x2000 + 0x1000 * hart;

const LOOP = `
    li s3, ${DATA + 0x2000}
    slli t0, a0, 12
    add s3, s3, t0
    ${EXACT_LOOP}`;
const ALONE = `li a0, 0\n${LOOP}`;
const WITH_VCPUS = `
    ${call(2000, DATA)}
    ${call(2001, -1, 0, 0)}
    ebreak
  function:
    addi a0, a0, 1
  ${LOOP}`;

const labels = new Map<number, ExactLabel>();

async function open(threads: number, vcpus: number): Promise<void> {
  const task = { mode: 'call', vcpus, function: 'function' } as const;
  const { elf, symbols } = vcpus > 0 ? programOf(WITH_VCPUS, task) : programOf(ALONE);
  labels.clear();
  for (const label of EXACT_LABELS) labels.set(symbols.get(label)!, label);
  const pool = poolOf(threads);
  client = new Client(pool, undefined, 'translator');
  await client.open('loops', [], { elf, stopAt: 'entry' });
}

const addressOf = (wanted: string): string => {
  for (const [address, label] of labels) if (label === wanted) return String(address);
  throw new Error(`there is no ${wanted}`);
};

/** Runs until each of these harts has run some more instructions. */
async function runSome(instructions: number, harts: readonly number[]): Promise<void> {
  const counts = (): number[] =>
    harts.map(
      (id) => client.target.liveHarts.find(({ index }) => index === id)?.state.instret ?? 0,
    );
  const ends = counts().map((count) => count + instructions);
  while (counts().some((count, i) => count < ends[i])) {
    if (!client.state.running) throw new Error(JSON.stringify(client.state.stop));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Instructions of a hart that are no rounds, by hart: the same at each stop. */
const before = new Map<number, number>();

/** Checks a hart that stands in the loop; at which of its instructions. */
async function check(hart: number): Promise<ExactLabel> {
  const { x } = await client.session.registers(hart);
  const { location, instructions } = client.hart(hart);
  const label = labels.get(location.address);
  if (!label) throw new Error(`hart ${hart} is at 0x${location.address.toString(16)}`);
  const { bytes } = await client.session.readMemory(counterOf(hart), 8, hart);
  const memory = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const { state, ran } = exactState(label, BigInt(x[9]));
  expect({ s2: BigInt(x[18]), s4: BigInt(x[20]), memory }).toEqual(state);
  const others = instructions - ran;
  expect(others).toBe(before.get(hart) ?? others);
  before.set(hart, others);
  return label;
}

describe.each([
  ['on the home thread', 0, [0]],
  ['in turns', 0, [1, 2]],
  ['on pool threads', 2, [1, 2, 3]],
] as const)('%s', (_, threads, harts) => {
  test('every stop is exact, whatever stops it', async () => {
    await open(threads, harts[0] === 0 ? 0 : harts.length);
    const { session, target } = client;
    const random = new Random(5);
    before.clear();
    const checkAll = async (): Promise<void> => {
      for (const hart of harts) await check(hart);
    };
    for (let round = 0; round < 6; round++) {
      const hart = random.pick(harts);
      await session.run();
      await runSome(50_000 + random.below(100_000), harts);
      await session.pause();
      await checkAll();
      let label = await check(hart);
      for (let step = 0; step < 7; step++) {
        await client.after(session.stepInstruction(hart));
        const next = EXACT_LABELS[(EXACT_LABELS.indexOf(label) + 1) % EXACT_LABELS.length];
        label = await check(hart);
        expect(label).toBe(next);
      }
      await session.run();
      await runSome(50_000, harts);
      const wanted = random.pick(EXACT_LABELS);
      const code = await session.addBreakpoint({
        at: addressOf(wanted),
        enabled: true,
        harts: [hart],
      });
      const stopped = await client.stopped();
      expect(stopped).toMatchObject({ stop: { kind: 'breakpoint', id: code.id }, stopHart: hart });
      expect(await check(hart)).toBe(wanted);
      await checkAll();
      await session.removeBreakpoint(code.id);
      await session.run();
      await runSome(50_000, harts);
      const at = String(counterOf(hart));
      const data = await session.addBreakpoint({ kind: 'data', at, length: 8, enabled: true });
      const watched = await client.stopped();
      expect(watched).toMatchObject({ stop: { kind: 'watch', id: data.id }, stopHart: hart });
      expect(await check(hart)).toBe('sum');
      await checkAll();
      await session.removeBreakpoint(data.id);
    }
    // With all of that gone, translated code runs as before.
    await session.run();
    await runSome(1_000_000, harts);
    await session.pause();
    const { instructions, engineStatistics } = target;
    const ran = engineStatistics.translatedInstructions;
    await session.run();
    await runSome(1_000_000, harts);
    await session.pause();
    await checkAll();
    const share =
      (target.engineStatistics.translatedInstructions - ran) / (target.instructions - instructions);
    // Without a pool harts have short turns, whose ends are interpreted.
    expect(share).toBeGreaterThan(0.75);
  });
});

test('a breakpoint that does not stop, in a hot loop, lets the session answer', async () => {
  await open(0, 0);
  const { session } = client;
  const condition = 's1 == 20000';
  const { id } = await session.addBreakpoint({ at: addressOf('sum'), condition, enabled: true });
  let turns = 0;
  let counting = setImmediate(function count() {
    turns += 1;
    counting = setImmediate(count);
  });
  try {
    expect((await client.after(session.run())).stop).toMatchObject({ kind: 'breakpoint', id });
  } finally {
    clearImmediate(counting);
  }
  expect(turns).toBeGreaterThan(3);
  expect(BigInt((await session.registers(0)).x[9])).toBe(20_000n);
});
