import { afterEach, describe, expect, it } from 'vitest';
import { discoverRegion } from '../../../emulator/engine/translator/discovery';
import type { RegionSource } from '../../../emulator/engine/translator/region';
import { assemble } from '../../../emulator/isa/assembler';
import { CODE } from '../../support/assembly-guest';
import { EVERYTHING, GuestHart } from '../../support/guest-hart';

/** Where the address is that a stub jumps to, as the dynamic linker has it in a table. */
const TABLE = CODE + 0x1000;
const ONE = 'one: addi a0, a0, 1\nret';
/** A loop that calls a function through a stub, and two functions. */
const LOOP = `
  loop: jal ra, stub
  addi a1, a1, 1
  j loop
  stub: auipc t3, 1
  ld t3, -12(t3)
  jalr t1, 0(t3)
  ${ONE}
  two: addi a0, a0, 2
  ret`;
const STUB = CODE + 12;
const [FIRST, SECOND] = [STUB + 12, STUB + 20];

/** The code is at `CODE`, and the table leads to `target`. */
function sourceOf(text: string, target = 0): RegionSource {
  const { bytes } = assemble(text, { base: CODE });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    fetch: (at) =>
      at >= CODE && at + 2 <= CODE + bytes.length ? view.getUint16(at - CODE, true) : undefined,
    isBreakpoint: () => false,
    isReached: () => true,
    data: (at) => (at === TABLE ? BigInt(target) : undefined),
  };
}

const harts: GuestHart[] = [];
afterEach(() => harts.splice(0).forEach((hart) => hart.close()));

describe('a region', () => {
  it('has a small function once for each call of it, and no calls', () => {
    const calls = 'jal ra, one\njal ra, one\nebreak';
    const region = discoverRegion(sourceOf(`${calls}\n${ONE}`), CODE)!;
    expect(region.calls).toEqual([]);
    expect(region.instructions).toBe(6);
  });

  it('calls a function that is too long', () => {
    const text = `jal ra, far\nebreak\nfar: ${'addi a0, a0, 1\n'.repeat(40)}ret`;
    expect(discoverRegion(sourceOf(text), CODE)!.calls).toEqual([CODE + 8]);
  });

  it('has no function in it where functions are not to be inlined', () => {
    const region = discoverRegion(sourceOf(`jal ra, one\nebreak\n${ONE}`), CODE, {
      inlines: false,
    })!;
    expect(region.calls).toEqual([CODE + 8]);
  });

  it('ends for a function that calls itself', () => {
    const text = 'f: addi a0, a0, 1\njal ra, f\nret';
    expect(discoverRegion(sourceOf(text), CODE)!.instructions).toBeLessThan(40);
  });

  it('has the function that a stub leads to just now', () => {
    const region = discoverRegion(sourceOf(LOOP, FIRST), CODE)!;
    expect(region.calls).toEqual([]);
    expect(region.blocks.map(({ pc }) => pc)).toContain(FIRST);
    expect(region.blocks.map(({ pc }) => pc)).not.toContain(SECOND);
  });
});

describe('translated code with a function that was called through a stub', () => {
  it('calls another one as soon as the stub leads there', () => {
    const hart = new GuestHart({ engine: 'translator' });
    harts.push(hart);
    const table = (target: number): Uint8Array =>
      new Uint8Array(BigUint64Array.of(BigInt(target)).buffer);
    hart.load(CODE, assemble(LOOP, { base: CODE }).bytes, EVERYTHING);
    hart.load(TABLE, table(FIRST), EVERYTHING);
    hart.state.pc = CODE;
    // A round has eight instructions.
    hart.run(8 * 10_000);
    expect([hart.state.x(10), hart.state.x(11)]).toEqual([10_000n, 10_000n]);
    hart.space.poke(TABLE, table(SECOND));
    hart.run(8 * 10_000);
    expect([hart.state.x(10), hart.state.x(11)]).toEqual([30_000n, 20_000n]);
    expect(hart.engine.stats.translatedInstructions).toBeGreaterThan(150_000);
  });
});
