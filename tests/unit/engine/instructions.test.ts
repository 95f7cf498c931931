import { afterEach, describe, expect, it } from 'vitest';
import { closeGuests, DATA, guest } from '../../support/assembly-guest';

afterEach(closeGuests);

type Registers = Readonly<Record<string, bigint | number>>;
/** Assembly, what registers hold before, and what some hold afterwards; numbers are signed. */
type Sentence = readonly [text: string, before: Registers, after: Registers];

const ONE = 0xffffffff_3f800000n;
const TWO = 0xffffffff_40000000n;
const THREE = 0xffffffff_40400000n;
const DOUBLE_ONE = 0x3ff00000_00000000n;
const DOUBLE_THREE = 0x40080000_00000000n;
const HALF_ONE = 0xffffffff_ffff3c00n;
const NAN32 = 0xffffffff_7fc00000n;

const FAMILIES: Readonly<Record<string, readonly Sentence[]>> = {
  'integer computation': [
    ['addi a0, a1, -1', { a1: 0 }, { a0: -1 }],
    ['add a0, a1, a1', { a1: 1n << 63n }, { a0: 0 }],
    ['sub a0, zero, a1', { a1: 5 }, { a0: -5 }],
    ['lui a0, 0x80000', {}, { a0: -0x80000000 }],
    ['auipc a0, 1', {}, { a0: 0x11000 }],
    ['addiw a0, a1, 1', { a1: 0x7fffffff }, { a0: -0x80000000 }],
    ['subw a0, a1, a2', { a1: 0, a2: 1n << 32n }, { a0: 0 }],
    ['sll a0, a1, a2', { a1: 1, a2: 65 }, { a0: 2 }],
    ['sraw a0, a1, a2', { a1: 0x80000000, a2: 4 }, { a0: -0x8000000 }],
    ['srliw a0, a1, 4', { a1: -1 }, { a0: 0x0fffffff }],
    ['slt a0, a1, a2', { a1: -1, a2: 1 }, { a0: 1 }],
    ['sltu a0, a1, a2', { a1: -1, a2: 1 }, { a0: 0 }],
    ['addi zero, a1, 1', { a1: 5 }, { zero: 0 }],
  ],
  'multiplication and division': [
    ['mulh a0, a1, a2', { a1: -1, a2: -1 }, { a0: 0 }],
    ['mulhu a0, a1, a2', { a1: -1, a2: -1 }, { a0: -2 }],
    ['mulhsu a0, a1, a2', { a1: -1, a2: -1 }, { a0: -1 }],
    ['div a0, a1, zero', { a1: 7 }, { a0: -1 }],
    ['rem a0, a1, zero', { a1: 7 }, { a0: 7 }],
    ['div a0, a1, a2', { a1: 1n << 63n, a2: -1 }, { a0: 1n << 63n }],
    ['rem a0, a1, a2', { a1: 1n << 63n, a2: -1 }, { a0: 0 }],
    ['divw a0, a1, a2', { a1: 0x80000000, a2: -1 }, { a0: -0x80000000 }],
    ['remuw a0, a1, zero', { a1: 0x80000001 }, { a0: -0x7fffffff }],
  ],
  'bit manipulation': [
    ['sh3add a0, a1, a2', { a1: 2, a2: 1 }, { a0: 17 }],
    ['add.uw a0, a1, a2', { a1: -1, a2: 1 }, { a0: 1n << 32n }],
    ['clz a0, a1', { a1: 0 }, { a0: 64 }],
    ['ctzw a0, a1', { a1: 1n << 40n }, { a0: 32 }],
    ['cpop a0, a1', { a1: -1 }, { a0: 64 }],
    ['rev8 a0, a1', { a1: 0x0102030405060708n }, { a0: 0x0807060504030201n }],
    ['orc.b a0, a1', { a1: 0x0100_0000_0000_0080n }, { a0: 0xff00_0000_0000_00ffn }],
    ['rolw a0, a1, a2', { a1: 0x80000000, a2: 1 }, { a0: 1 }],
    ['minu a0, a1, a2', { a1: -1, a2: 3 }, { a0: 3 }],
    ['clmul a0, a1, a2', { a1: 3, a2: 3 }, { a0: 5 }],
    ['clmulh a0, a1, a2', { a1: 1n << 63n, a2: 2 }, { a0: 1 }],
    ['bset a0, zero, a2', { a2: 63 }, { a0: 1n << 63n }],
    ['bexti a0, a1, 63', { a1: -1 }, { a0: 1 }],
  ],
  'conditional zero': [
    ['czero.eqz a0, a1, a2', { a1: 7, a2: 0 }, { a0: 0 }],
    ['czero.nez a0, a1, a2', { a1: 7, a2: 0 }, { a0: 7 }],
  ],
  'compressed instructions': [
    ['c.addi4spn a0, sp, 16', { sp: 32 }, { a0: 48 }],
    ['c.li a0, -32', {}, { a0: -32 }],
    ['c.addw a0, a1', { a0: 0x7fffffff, a1: 1 }, { a0: -0x80000000 }],
    ['c.mul a0, a1', { a0: 6, a1: 7 }, { a0: 42 }],
    ['c.not a0', { a0: 0 }, { a0: -1 }],
  ],
  'single precision': [
    ['fadd.s fa0, fa1, fa2', { fa1: ONE, fa2: TWO }, { fa0: THREE, fcsr: 0 }],
    ['fdiv.s fa0, fa1, fa2', { fa1: ONE, fa2: 0xffffffff_00000000n }, { fcsr: 8 }],
    ['fsqrt.s fa0, fa1', { fa1: 0xffffffff_bf800000n }, { fa0: NAN32, fcsr: 16 }],
    ['fmul.s fa0, fa1, fa2', { fa1: 0x3f800000, fa2: TWO }, { fa0: NAN32, fcsr: 0 }],
    ['fmadd.s fa0, fa1, fa2, fa3', { fa1: ONE, fa2: TWO, fa3: ONE }, { fa0: THREE }],
    ['fnmsub.s fa0, fa1, fa2, fa3', { fa1: ONE, fa2: TWO, fa3: THREE }, { fa0: ONE }],
    ['feq.s a0, fa1, fa1', { fa1: NAN32 }, { a0: 0, fcsr: 0 }],
    ['flt.s a0, fa1, fa1', { fa1: NAN32 }, { a0: 0, fcsr: 16 }],
    ['fmin.s fa0, fa1, fa2', { fa1: NAN32, fa2: TWO }, { fa0: TWO, fcsr: 0 }],
    ['fclass.s a0, fa1', { fa1: 0xffffffff_ff800000n }, { a0: 1 }],
    ['fcvt.w.s a0, fa1, rtz', { fa1: NAN32 }, { a0: 0x7fffffff, fcsr: 16 }],
    ['fcvt.wu.s a0, fa1, rtz', { fa1: 0xffffffff_bf800000n }, { a0: 0, fcsr: 16 }],
    ['fmv.x.w a0, fa1', { fa1: 0xffffffff_80000000n }, { a0: -0x80000000 }],
    ['fmv.w.x fa0, a1', { a1: 0x3f800000 }, { fa0: ONE }],
    ['fsgnjn.s fa0, fa1, fa1', { fa1: ONE }, { fa0: 0xffffffff_bf800000n }],
  ],
  'double precision': [
    [
      'fdiv.d fa0, fa1, fa2',
      { fa1: DOUBLE_ONE, fa2: DOUBLE_THREE },
      { fa0: 0x3fd5555555555555n, fcsr: 1 },
    ],
    ['fcvt.d.w fa0, a1', { a1: 3 }, { fa0: DOUBLE_THREE }],
    ['fcvt.s.d fa0, fa1', { fa1: DOUBLE_THREE }, { fa0: THREE }],
    ['fcvt.d.s fa0, fa1', { fa1: THREE }, { fa0: DOUBLE_THREE }],
    ['fcvt.l.d a0, fa1, rup', { fa1: 0x3fd5555555555555n }, { a0: 1, fcsr: 1 }],
    ['fle.d a0, fa1, fa2', { fa1: DOUBLE_ONE, fa2: DOUBLE_THREE }, { a0: 1 }],
  ],
  'half precision': [
    ['fadd.h fa0, fa1, fa1', { fa1: HALF_ONE }, { fa0: 0xffffffff_ffff4000n }],
    ['fcvt.s.h fa0, fa1', { fa1: HALF_ONE }, { fa0: ONE }],
    ['fcvt.h.d fa0, fa1', { fa1: DOUBLE_ONE }, { fa0: HALF_ONE }],
    ['fmv.x.h a0, fa1', { fa1: 0x8000 }, { a0: -0x8000 }],
  ],
  'loads and stores of floating-point registers': [
    ['fsw fa1, 4(a1)\nflw fa0, 4(a1)', { a1: DATA, fa1: ONE }, { fa0: ONE }],
    ['fsd fa1, 3(a1)\nfld fa0, 3(a1)', { a1: DATA, fa1: DOUBLE_THREE }, { fa0: DOUBLE_THREE }],
    ['fsd fa1, 0(a1)\nflw fa0, 4(a1)', { a1: DATA, fa1: ONE << 32n }, { fa0: ONE }],
    ['fsh fa1, 0(a1)\nlhu a0, 0(a1)', { a1: DATA, fa1: HALF_ONE }, { a0: 0x3c00 }],
  ],
};

describe.each(Object.entries(FAMILIES))('%s', (_, sentences) => {
  it.each(sentences)('%s', (text, before, after) => {
    const hart = guest(`${text}\nebreak`, { registers: before });
    hart.toBreak();
    const wanted = Object.entries(after).map(([name, value]) => [
      name,
      BigInt.asUintN(64, BigInt(value)),
    ]);
    expect(wanted.map(([name]) => [name, hart.get(String(name))])).toEqual(wanted);
  });
});

describe('an instruction that hands over', () => {
  it.each([
    ['ecall', 'ecall', 0],
    ['ebreak', 'ebreak', 0],
    ['c.ebreak', 'ebreak', 0],
  ])('%s stops as %s, not counted', (text, kind, instret) => {
    const hart = guest(text);
    expect(hart.run(10).kind).toBe(kind);
    expect([hart.state.pc, hart.state.instret]).toEqual([0x10000, instret]);
  });

  it.each(['fence', 'fence.tso', 'pause', 'fence.i', 'nop', 'c.nop'])('%s only goes on', (text) => {
    const hart = guest(`${text}\nebreak`);
    const before = hart.snapshot();
    hart.toBreak();
    const { pc, instret, ...rest } = hart.snapshot();
    expect({ ...before, pc, instret }).toEqual({ pc, instret, ...rest });
    expect(instret).toBe(1);
  });
});
