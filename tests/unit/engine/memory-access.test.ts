import { afterEach, describe, expect, it } from 'vitest';
import { closeGuests, DATA, guest } from '../../support/assembly-guest';
import { READ_WRITE } from '../../support/guest-hart';

afterEach(closeGuests);

const BYTES = Uint8Array.from({ length: 16 }, (_, i) => 0x81 + i);
/** Between the two pages of data. */
const BOUNDARY = DATA + 4096;
/** Between the data and what is not mapped. */
const END = DATA + 2 * 4096;

/** `count` bytes of BYTES from `from` on as a little-endian number. */
function littleEndian(from: number, count: number): bigint {
  return [...BYTES.slice(from, from + count)].reduceRight(
    (value, byte) => (value << 8n) | BigInt(byte),
    0n,
  );
}

const LOADS = [
  ['lb', 1, true],
  ['lbu', 1, false],
  ['lh', 2, true],
  ['lhu', 2, false],
  ['lw', 4, true],
  ['lwu', 4, false],
  ['ld', 8, true],
] as const;
const STORES = [
  ['sb', 1],
  ['sh', 2],
  ['sw', 4],
  ['sd', 8],
] as const;

describe('a load', () => {
  it.each(LOADS)(
    '%s of %i bytes reads at every alignment, across pages too',
    (name, size, sign) => {
      for (let offset = 0; offset < 8; offset++) {
        const hart = guest(`${name} a0, ${offset}(a1)\nebreak`, {
          registers: { a1: BOUNDARY - 6 },
        });
        hart.space.poke(BOUNDARY - 6, BYTES);
        hart.toBreak();
        const value = littleEndian(offset, size);
        const extended = sign ? BigInt.asUintN(64, BigInt.asIntN(8 * size, value)) : value;
        expect(hart.x('a0')).toBe(extended);
      }
    },
  );

  it.each(LOADS.slice(2))('%s that crosses into an unmapped page faults there', (name, size) => {
    const registers = { a0: 77, a1: END - 1 };
    const hart = guest(`addi t0, t0, 1\n${name} a0, 0(a1)`, { registers });
    expect(size).toBeGreaterThan(1);
    expect(hart.run(10)).toEqual({
      kind: 'fault',
      fault: { kind: 'unmapped', access: 'read', address: END },
    });
    expect(hart.state.pc).toBe(0x10004);
    expect(hart.state.instret).toBe(1);
    expect(hart.x('a0')).toBe(77n);
  });

  it('of a page that was never written reads zeros', () => {
    const hart = guest('ld a0, 0(a1)\nebreak', { registers: { a0: -1, a1: DATA + 8 } });
    hart.toBreak();
    expect(hart.x('a0')).toBe(0n);
  });

  it('to x0 does the access all the same', () => {
    const hart = guest('ld zero, 0(a1)', { registers: { a1: END } });
    expect(hart.run(1)).toMatchObject({ kind: 'fault', fault: { address: END } });
  });

  it.each([
    [0n, { kind: 'unmapped', address: 0 }],
    [0xffff_ffffn, { kind: 'unmapped', address: 0xffff_ffff }],
    [1n << 32n, { kind: 'out-of-range', address: 2 ** 32 }],
    [(1n << 64n) - 8n, { kind: 'out-of-range', address: -8 }],
  ])('of address 0x%s names it in the fault', (address, fault) => {
    const hart = guest('lbu a0, 0(a1)', { registers: { a1: address } });
    expect(hart.run(1)).toMatchObject({ kind: 'fault', fault: { access: 'read', ...fault } });
    expect(hart.state.pc).toBe(0x10000);
  });

  it('that crosses the end of the guest’s 4 GiB is out of range', () => {
    const hart = guest('ld a0, 0(a1)', { registers: { a1: 0xffff_fffc } });
    hart.space.map(0xffff_f000, 4096, READ_WRITE);
    expect(hart.run(1)).toMatchObject({ kind: 'fault', fault: { kind: 'out-of-range' } });
  });
});

describe('a store', () => {
  it.each(STORES)('%s of %i bytes writes those and no others, across pages too', (name, size) => {
    const value = 0x1122_3344_5566_7788n;
    for (let offset = 0; offset < 8; offset++) {
      const registers = { a0: value, a1: BOUNDARY - 6 };
      const hart = guest(`${name} a0, ${offset}(a1)\nebreak`, { registers });
      hart.space.poke(BOUNDARY - 6, BYTES);
      hart.toBreak();
      const expected = BYTES.slice();
      for (let i = 0; i < size; i++)
        expected[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
      expect(hart.space.peek(BOUNDARY - 6, 16)).toEqual(expected);
    }
  });

  it.each(STORES.slice(1))('%s that crosses into an unmapped page writes nothing', (name) => {
    const hart = guest(`${name} a0, 0(a1)`, { registers: { a0: -1, a1: END - 1 } });
    expect(hart.run(1)).toEqual({
      kind: 'fault',
      fault: { kind: 'unmapped', access: 'write', address: END },
    });
    expect(hart.space.peek(END - 1, 1)).toEqual(Uint8Array.of(0));
  });

  it('that crosses from an unmapped page faults at its first byte', () => {
    const hart = guest('sd a0, 0(a1)', { registers: { a0: -1, a1: DATA - 4 } });
    expect(hart.run(1)).toMatchObject({
      fault: { kind: 'unmapped', access: 'write', address: DATA - 4 },
    });
    expect(hart.space.peek(DATA, 4)).toEqual(new Uint8Array(4));
  });

  it('to the code is refused, and says where', () => {
    const hart = guest('nop\nsw a0, 0(a1)', { registers: { a1: 0x10000 } });
    expect(hart.run(10)).toEqual({
      kind: 'fault',
      fault: { kind: 'protection', access: 'write', address: 0x10000 },
    });
    expect(hart.state.pc).toBe(0x10004);
  });

  it('to a guard page says that it is one', () => {
    const hart = guest('sd a0, 0(a1)', { registers: { a1: 0x50010 } });
    hart.space.map(0x50000, 4096, 0, { guard: true });
    expect(hart.run(1)).toMatchObject({ fault: { kind: 'guard', address: 0x50010 } });
  });

  it('can run again when the page has been mapped meanwhile', () => {
    const hart = guest('sd a0, 0(a1)\nebreak', { registers: { a0: 5, a1: 0x50010 } });
    expect(hart.run(10).kind).toBe('fault');
    hart.space.map(0x50000, 4096, READ_WRITE);
    hart.toBreak();
    expect(hart.space.readU64(0x50010)).toBe(5n);
    expect(hart.state.instret).toBe(1);
  });

  it('goes on when the missing-page hook maps the page', () => {
    const hart = guest('sd a0, 0(a1)\nld a2, 0(a1)\nebreak', { registers: { a0: 5, a1: 0x50ffc } });
    const asked: string[] = [];
    hart.space.hooks.onMissingPage = (page, access) => {
      asked.push(`${access} ${page.toString(16)}`);
      hart.space.map(page * 4096, 4096, READ_WRITE);
      return true;
    };
    hart.toBreak();
    expect(asked).toEqual(['write 50', 'write 51']);
    expect(hart.x('a2')).toBe(5n);
  });
});

describe('memory that changes under a running hart', () => {
  const loop = '1: ld a0, 0(a1)\naddi t0, t0, 1\nj 1b';

  it('faults at once when its page is unmapped', () => {
    const hart = guest(loop, { registers: { a1: DATA } });
    expect(hart.run(3000).kind).toBe('fuel');
    hart.space.unmap(DATA, 4096);
    expect(hart.run(3000)).toMatchObject({ fault: { kind: 'unmapped', address: DATA } });
  });

  it('faults at once when its page may no longer be read', () => {
    const hart = guest(loop, { registers: { a1: DATA } });
    expect(hart.run(3000).kind).toBe('fuel');
    hart.space.protect(DATA, 4096, 0);
    expect(hart.run(3000)).toMatchObject({ fault: { kind: 'protection', access: 'read' } });
  });

  it('reads what the host has written', () => {
    const hart = guest(loop, { registers: { a1: DATA } });
    hart.run(3000);
    hart.space.writeU64(DATA, 42n);
    hart.run(3000);
    expect(hart.x('a0')).toBe(42n);
  });
});

describe('a watched range', () => {
  const text = 'sd a0, 0(a1)\naddi t0, t0, 1\nld a2, 8(a1)\nebreak';

  it('stops before a store that touches it, with nothing done', () => {
    const hart = guest(text, { registers: { a0: 9, a1: DATA } });
    hart.space.watch(DATA + 7, 1, 'write');
    expect(hart.run(10)).toEqual({ kind: 'watch', address: DATA, size: 8, write: true });
    expect(hart.state.pc).toBe(0x10000);
    expect(hart.state.instret).toBe(0);
    expect(hart.space.readU64(DATA)).toBe(0n);
  });

  it('lets a store beside it pass at full count', () => {
    const hart = guest(text, { registers: { a0: 9, a1: DATA } });
    hart.space.watch(DATA + 64, 8, 'access');
    expect(hart.run(10).kind).toBe('ebreak');
    expect(hart.state.instret).toBe(3);
    expect(hart.space.readU64(DATA)).toBe(9n);
  });

  it('can be stepped through, one access at a time', () => {
    const hart = guest(text, { registers: { a0: 9, a1: DATA } });
    hart.space.watch(DATA, 16, 'access');
    expect(hart.run(10)).toMatchObject({ kind: 'watch', write: true });
    expect(hart.engine.run(hart.state, 10, true)).toEqual({
      kind: 'watch',
      address: DATA + 8,
      size: 8,
      write: false,
    });
    expect(hart.state.instret).toBe(2);
    expect(hart.engine.run(hart.state, 1, true).kind).toBe('fuel');
    expect(hart.state.instret).toBe(3);
    expect(hart.space.readU64(DATA)).toBe(9n);
  });

  it('lets a store beside it pass whose first-write hook changes the code around it', () => {
    const hart = guest(text, { registers: { a0: 9, a1: DATA } });
    hart.space.watch(DATA + 64, 8, 'access');
    hart.space.hooks.onFirstWrite = () => hart.space.poke(0x10000 + 2048, Uint8Array.of(1));
    hart.toBreak();
    expect(hart.state.instret).toBe(3);
    expect(hart.space.readU64(DATA)).toBe(9n);
  });

  it('sees an access that crosses into its page', () => {
    const hart = guest('sd a0, 0(a1)\nebreak', { registers: { a0: -1, a1: BOUNDARY - 4 } });
    hart.space.watch(BOUNDARY, 1, 'write');
    expect(hart.run(10)).toEqual({ kind: 'watch', address: BOUNDARY - 4, size: 8, write: true });
    expect(hart.engine.run(hart.state, 10, true).kind).toBe('ebreak');
    expect(hart.space.readU64(BOUNDARY - 4)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('stops nothing any more when it is taken away', () => {
    const hart = guest(text, { registers: { a0: 9, a1: DATA } });
    hart.space.watch(DATA, 8, 'write');
    hart.run(10);
    hart.space.unwatch(DATA, 8, 'write');
    expect(hart.run(10).kind).toBe('ebreak');
  });
});
