import { expect, test } from 'vitest';
import { assemble } from '../../../emulator/isa/assembler';
import { EVERYTHING, GuestHart } from '../../support/guest-hart';

const CODE = 0x10000;
const AREA = 0x200000;
const AREA_BYTES = 64 * 4096;
/** Functions that the program writes and calls one after another, at addresses that wander through the area. */
const FUNCTIONS = Number(process.env.HARTSCOPE_FUNCTIONS ?? 40_000);
const REPORTS = 8;
const CALLS = 20;
/** What the process may grow by in the second half of the run, in MiB: V8 gives modules back when it likes. */
const MOST_GROWTH = 64;

const TEXT = `
  next:
    andi t0, s1, 0x3ff
    slli t0, t0, 20
    li t1, 0x00050513
    or t0, t0, t1
    sw t0, 0(s3)
    li t1, 0x00008067
    sw t1, 4(s3)
    fence.i
    li s5, ${CALLS}
  again:
    jalr ra, 0(s3)
    addi s5, s5, -1
    bnez s5, again
    addi s1, s1, 1
    addi s3, s3, 1288
    bltu s3, s4, on
    li t0, ${AREA_BYTES - 8}
    sub s3, s3, t0
    andi s3, s3, -4
  on:
    addi s2, s2, -1
    bnez s2, next
    ebreak`;

test('a program that generates code without end keeps little memory of what it has replaced', async () => {
  const hart = new GuestHart({ engine: 'translator' });
  try {
    hart.load(CODE, assemble(TEXT, { base: CODE }).bytes, EVERYTHING);
    hart.space.map(AREA, AREA_BYTES, EVERYTHING);
    hart.state.setX(19, BigInt(AREA));
    hart.state.setX(20, BigInt(AREA + AREA_BYTES - 8));
    const sizes: number[] = [];
    let sum = 0n;
    for (let report = 1; report <= REPORTS; report++) {
      const count = FUNCTIONS / REPORTS;
      hart.state.setX(18, BigInt(count));
      hart.state.pc = CODE;
      expect(hart.run(1e9).kind).toBe('ebreak');
      const first = (report - 1) * count;
      for (let n = first; n < first + count; n++) sum += BigInt(CALLS * (n & 0x3ff));
      expect(hart.state.x(10)).toBe(sum);
      // V8 gives modules back only in turns of the event loop: a run without any grows by 20 KiB for each.
      await new Promise((done) => setTimeout(done, 20));
      sizes.push(process.memoryUsage().rss / 2 ** 20);
      const { modules, evicted, bytes } = hart.engine.stats;
      console.log(
        `${report * count} functions: ${sizes.at(-1)?.toFixed(0)} MiB resident, ${modules} modules of ` +
          `${bytes} bytes, ${evicted} given up, ${hart.engine.code.usedBytes} bytes of records`,
      );
      expect(modules).toBeLessThanOrEqual(2000);
    }
    expect(hart.engine.stats.translatedInstructions).toBeGreaterThan(FUNCTIONS * CALLS);
    expect(sizes.at(-1)! - sizes[REPORTS / 2 - 1]).toBeLessThan(MOST_GROWTH);
  } finally {
    hart.close();
  }
});
