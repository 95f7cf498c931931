import { afterEach, describe, expect, it } from 'vitest';
import { assemble } from '../../../emulator/isa/assembler';
import { RegionStore } from '../../../emulator/engine/translator/region-store';
import { CODE } from '../../support/assembly-guest';
import { EVERYTHING, GuestHart } from '../../support/guest-hart';

const harts: GuestHart[] = [];
afterEach(() => harts.splice(0).forEach((hart) => hart.close()));

function translated(text: string): GuestHart {
  const hart = new GuestHart({ engine: 'translator' });
  harts.push(hart);
  hart.load(CODE, assemble(text, { base: CODE }).bytes, EVERYTHING);
  hart.state.pc = CODE;
  return hart;
}

const LOOP = 'loop: addi a0, a0, 1\naddi a1, a1, 2\nj loop';

describe('translated code', () => {
  it('runs nearly all of a loop', () => {
    const hart = translated(LOOP);
    hart.run(300_000);
    expect(hart.state.x(10)).toBe(100_000n);
    expect(hart.engine.stats.translatedInstructions).toBeGreaterThan(290_000);
  });

  it('stops at a breakpoint in the middle of a region, and is used again when that is gone', () => {
    const hart = translated(LOOP);
    hart.run(30_000);
    hart.engine.code.setBreakpoint(CODE + 4);
    expect(hart.run(30_000).kind).toBe('breakpoint');
    expect(hart.state.pc).toBe(CODE + 4);
    const before = hart.engine.stats;
    hart.engine.code.clearBreakpoint(CODE + 4);
    hart.run(30_000);
    const { translatedInstructions } = hart.engine.stats;
    expect(translatedInstructions - before.translatedInstructions).toBeGreaterThan(29_000);
  });

  it('goes on where a breakpoint is in the middle of an instruction, and the code writes its own page', () => {
    const hart = translated('loop: addi a0, a0, 1\nsd a0, 64(a2)\nj loop');
    hart.state.setX(12, BigInt(CODE));
    hart.engine.code.setBreakpoint(CODE + 6);
    expect(hart.run(3000)).toEqual({ kind: 'fuel' });
    expect(hart.state.x(10)).toBe(1000n);
  });

  it('is replaced when its code changes, however often', () => {
    const hart = translated(LOOP);
    let sum = 0n;
    for (let n = 1; n <= 300; n++) {
      hart.space.poke(CODE, assemble(`addi a0, a0, ${n}`).bytes);
      hart.state.pc = CODE;
      hart.run(600);
      sum += 200n * BigInt(n);
      expect(hart.state.x(10)).toBe(sum);
    }
    expect(hart.engine.stats.modules).toBeLessThan(5);
  });

  it('gives way to an observer of all accesses, and comes back after it', () => {
    const hart = translated('loop: sd a0, 0(a2)\naddi a0, a0, 1\nj loop');
    hart.space.map(0x20000, 4096, EVERYTHING);
    hart.state.setX(12, 0x20000n);
    hart.run(3000);
    let stores = 0;
    hart.engine.observe({ accesses: (log) => void (stores += log.length) });
    hart.run(3000);
    expect(stores).toBe(1000);
    const { translatedInstructions } = hart.engine.stats;
    hart.engine.observe(undefined);
    hart.run(3000);
    expect(hart.engine.stats.translatedInstructions).toBeGreaterThan(translatedInstructions);
    expect(hart.state.x(10)).toBe(3000n);
  });

  it('is left as often as it is entered, and tells why', () => {
    const ROUNDS = 100;
    const hart = translated(`
      crosses: ld a3, 1(a2)
      addi a0, a0, -1
      bnez a0, crosses
      flags: addi a1, a1, -1
      frflags a4
      bnez a1, flags
      ebreak
    `);
    hart.space.map(0x20000, 4096, EVERYTHING);
    hart.state.setX(10, BigInt(ROUNDS));
    hart.state.setX(11, BigInt(ROUNDS));
    hart.state.setX(12, 0x20000n);
    hart.run(1_000_000);
    const { entries, exits } = hart.engine.stats;
    // Rounds may be interpreted before there is a region, and regions begin at both ends of what is interpreted.
    const FEW = 5;
    expect(Math.abs(exits.memory - ROUNDS)).toBeLessThan(FEW);
    expect(Math.abs(exits.system - ROUNDS)).toBeLessThan(FEW);
    expect(exits.jump).toBeLessThan(FEW);
    expect(Object.values(exits).reduce((sum, count) => sum + count, 0)).toBe(entries);
  });

  it('has no regions that begin where only the fuel was used up', () => {
    const hart = new GuestHart({ engine: 'auto' });
    harts.push(hart);
    const body = Array.from({ length: 12 }, (_, n) => `addi a${n % 6}, a${n % 6}, 1`).join('\n');
    hart.load(CODE, assemble(`loop: ${body}\nj loop`, { base: CODE }).bytes, EVERYTHING);
    hart.state.pc = CODE;
    for (let n = 0; n < 500; n++) hart.run(100_003);
    const { regions, translatedInstructions } = hart.engine.stats;
    expect(translatedInstructions).toBeGreaterThan(1_000_000);
    expect(regions).toBe(1);
  });

  it('makes room when there are more regions than fit', () => {
    // Loops of three instructions; reading a CSR ends a region.
    const hart = new GuestHart({ engine: 'translator' });
    harts.push(hart);
    const one = assemble(
      'li a0, 60\naddi a1, a1, 1\naddi a0, a0, -1\nbnez a0, .-8\ncsrr a2, fcsr',
    ).bytes;
    const count = 2200;
    const code = new Uint8Array(count * one.length + 4);
    for (let i = 0; i < count; i++) code.set(one, i * one.length);
    code.set(assemble('ebreak').bytes, count * one.length);
    hart.load(CODE, code, EVERYTHING);
    hart.state.pc = CODE;
    expect(hart.run(2_000_000).kind).toBe('ebreak');
    expect(hart.state.x(11)).toBe(60n * BigInt(count));
    const { modules, evicted } = hart.engine.stats;
    expect(modules).toBeLessThanOrEqual(2000);
    expect(evicted).toBeGreaterThan(0);
  });
});

describe('a call of code at the end of the address space', () => {
  const END = 0xfffff000;
  const FUNCTION = 0xfffffff8;

  /** Runs a function whose last two bytes are a load that is misaligned, and then from the beginning again. */
  function seen(engine: 'interpreter' | 'translator'): unknown[] {
    const hart = new GuestHart({ engine });
    harts.push(hart);
    hart.load(
      CODE,
      assemble('loop: addi s0, s0, 1\njalr ra, 0(s1)\nj loop', { base: CODE }).bytes,
      EVERYTHING,
    );
    hart.space.map(END, 4096, EVERYTHING);
    hart.space.map(0x20000, 4096, EVERYTHING);
    hart.space.poke(FUNCTION, assemble('addi a0, a0, 1\nc.addi a0, 1\nc.lw a2, 0(a1)').bytes);
    hart.state.setX(9, BigInt(FUNCTION));
    hart.state.setX(11, 0x20001n);
    return Array.from({ length: 40 }, () => {
      hart.state.pc = CODE;
      return { stop: hart.run(1000), ...hart.snapshot() };
    });
  }

  it.each(['interpreter', 'translator'] as const)('links behind the last page: %s', (engine) => {
    const hart = new GuestHart({ engine });
    harts.push(hart);
    hart.space.map(END, 4096, EVERYTHING);
    hart.space.poke(FUNCTION, assemble('addi a0, a0, 1\njal ra, .-4').bytes);
    hart.state.pc = FUNCTION;
    expect(hart.run(1000)).toEqual({ kind: 'fuel' });
    expect(hart.state.x(1)).toBe(2n ** 32n);
  });

  it('leaves where the interpreter leaves', () => {
    const stops = seen('translator');
    expect(stops).toEqual(seen('interpreter'));
    expect(stops[0]).toMatchObject({ stop: { kind: 'fault', fault: { address: 0 } } });
    expect(harts.at(-2)!.engine.stats.translatedInstructions).toBeGreaterThan(100);
  });
});

describe('the store of translated modules', () => {
  it('gives every reader what was put in', () => {
    const store = new RegionStore();
    const module = {
      entries: [0x10000, 0xfffffff0],
      own: 1,
      source: [
        { start: 0x10000, bits: Uint16Array.of(0x0513, 0x0015, 0x8082) },
        { start: 0xfffffff0, bits: Uint16Array.of(0x8082) },
      ],
      mode: 'clear' as const,
      bytes: Uint8Array.of(1, 2, 3, 4, 5),
      instructions: 3,
    };
    store.add(module);
    store.add({ ...module, mode: undefined });
    const reader = new RegionStore(store.buffer);
    const first = reader.read(reader.begin);
    expect(first.module).toEqual(module);
    const second = reader.read(first.next);
    expect(second.module).toEqual({ ...module, mode: undefined });
    expect(second.next).toBe(reader.end);
  });

  it('keeps the newest when there are more than fit', () => {
    const store = new RegionStore();
    const size = 2 ** 20;
    const module = (n: number) => ({
      entries: [4 * n],
      own: 1,
      source: [{ start: 4 * n, bits: Uint16Array.of(n, n + 1, n + 2) }],
      mode: undefined,
      // Of different sizes, so that some do not fit before the end of the ring.
      bytes: new Uint8Array(size + 1000 * n).fill(n),
      instructions: n,
    });
    const slow = store.begin;
    for (let n = 1; n <= 40; n++) store.add(module(n));
    // Who was too slow goes on with the oldest that is left.
    expect(store.read(slow)).toEqual({ module: undefined, next: store.begin });
    const left: number[] = [];
    for (let place = store.begin; place !== store.end;) {
      const { module: found, next } = store.read(place);
      if (found) left.push(found.instructions);
      if (found?.instructions === 39) expect(found.bytes.every((byte) => byte === 39)).toBe(true);
      place = next;
    }
    expect(left).toEqual(Array.from({ length: left.length }, (_, i) => 41 - left.length + i));
    expect(left.length).toBeGreaterThan(10);
    expect(left.length).toBeLessThan(17);
  });
});
