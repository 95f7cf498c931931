import { describe, expect, it } from 'vitest';
import type { FloatOperation } from '../../../emulator/engine/float';
import { hostHasFusedMadd } from '../../../emulator/engine/host';
import type { Format } from '../../../emulator/isa/emitter';
import { FloatUnit } from '../../support/float-unit';

const FORMATS = ['h', 's', 'd'] as const;
const MODES = ['RNE', 'RTZ', 'RDN', 'RUP', 'RMM'] as const;
type Mode = (typeof MODES)[number];

const units = (hostHasFusedMadd() ? [false, true] : [false]).map(
  (relaxedMadd) => new FloatUnit({ relaxedMadd }),
);

/**
 * `0x3f800000 NX`: the result and the flags that were raised. With NX set beforehand and with the host's
 * multiply-add other code runs, which must agree.
 */
function compute(
  name: `${FloatOperation}.${Format}`,
  operands: readonly bigint[],
  mode: Mode = 'RNE',
): string {
  const [op, format] = name.split('.') as [FloatOperation, Format];
  const test = { op, format, rm: MODES.indexOf(mode), operands };
  const run = (unit: FloatUnit, before: number): string => {
    const { result, flags } = unit.compute(test, before);
    return `0x${result.toString(16)}${flagNames(flags)}`;
  };
  const [answer, ...others] = units.map((unit) => run(unit, 0));
  if (answer === undefined) throw new Error('nothing to compute with');
  for (const other of others) expect(other, `${name} with the host's multiply-add`).toBe(answer);
  const withInexact = answer.endsWith(' NX') ? answer : `${answer} NX`;
  for (const unit of units) {
    expect(run(unit, 1), `${name} with NX set beforehand`).toBe(withInexact);
  }
  return answer;
}

function flagNames(flags: number): string {
  const names = { NV: 16, DZ: 8, OF: 4, UF: 2, NX: 1 };
  return Object.entries(names)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => ` ${name}`)
    .join('');
}

const inEveryMode = (
  name: `${FloatOperation}.${Format}`,
  ...operands: bigint[]
): Record<Mode, string> =>
  Object.fromEntries(MODES.map((mode) => [mode, compute(name, operands, mode)])) as Record<
    Mode,
    string
  >;

const view = new DataView(new ArrayBuffer(8));
const single = (value: number): bigint => {
  view.setFloat32(0, value);
  return BigInt(view.getUint32(0));
};
const double = (value: number): bigint => {
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

const INFINITY = { h: 0x7c00n, s: 0x7f800000n, d: 0x7ff0000000000000n };
const QUIET = { h: 0x7e01n, s: 0x7fc00001n, d: 0xfff8000000000001n };
const SIGNALING = { h: 0xfc01n, s: 0x7f800001n, d: 0x7ff0000000000001n };
const ONE = { h: 0x3c00n, s: 0x3f800000n, d: 0x3ff0000000000000n };
const MINUS_ZERO = { h: 0x8000n, s: 0x80000000n, d: 1n << 63n };
const CANONICAL = { h: '0x7e00', s: '0x7fc00000', d: '0x7ff8000000000000' };
const hex = (x: bigint): string => `0x${x.toString(16)}`;

describe.each(FORMATS)('in format %s', (format) => {
  const [nan, inf, one, minusZero] = [QUIET, INFINITY, ONE, MINUS_ZERO].map((x) => x[format]);
  const signaling = SIGNALING[format];
  const canonical = CANONICAL[format];
  if (nan === undefined || inf === undefined || one === undefined || minusZero === undefined) {
    throw new Error('no constants');
  }
  const minus = (x: bigint): bigint => x ^ minusZero;

  it('a quiet NaN gives the canonical NaN and raises nothing', () => {
    for (const op of ['add', 'sub', 'mul', 'div', 'fma'] as const) {
      expect(compute(`${op}.${format}`, [nan, one, one])).toBe(canonical);
      expect(compute(`${op}.${format}`, [one, nan, one])).toBe(canonical);
    }
    expect(compute(`sqrt.${format}`, [nan])).toBe(canonical);
    expect(compute(`fma.${format}`, [one, one, nan])).toBe(canonical);
  });

  it('a signalling NaN gives the canonical NaN and raises NV', () => {
    for (const op of ['add', 'sub', 'mul', 'div', 'fma'] as const) {
      expect(compute(`${op}.${format}`, [signaling, one, one])).toBe(`${canonical} NV`);
      expect(compute(`${op}.${format}`, [nan, signaling, one])).toBe(`${canonical} NV`);
    }
    expect(compute(`sqrt.${format}`, [signaling])).toBe(`${canonical} NV`);
    expect(compute(`fma.${format}`, [one, nan, signaling])).toBe(`${canonical} NV`);
  });

  it('operations without a result raise NV', () => {
    expect(compute(`sub.${format}`, [inf, inf])).toBe(`${canonical} NV`);
    expect(compute(`add.${format}`, [inf, minus(inf)])).toBe(`${canonical} NV`);
    expect(compute(`mul.${format}`, [inf, minusZero])).toBe(`${canonical} NV`);
    expect(compute(`div.${format}`, [0n, minusZero])).toBe(`${canonical} NV`);
    expect(compute(`div.${format}`, [inf, minus(inf)])).toBe(`${canonical} NV`);
    expect(compute(`sqrt.${format}`, [minus(one)])).toBe(`${canonical} NV`);
    expect(compute(`sqrt.${format}`, [minus(inf)])).toBe(`${canonical} NV`);
    expect(compute(`fma.${format}`, [inf, one, minus(inf)])).toBe(`${canonical} NV`);
  });

  it('infinity times zero plus a quiet NaN raises NV', () => {
    expect(compute(`fma.${format}`, [inf, 0n, nan])).toBe(`${canonical} NV`);
    expect(compute(`fma.${format}`, [minusZero, inf, nan])).toBe(`${canonical} NV`);
  });

  it('infinities are exact operands', () => {
    expect(compute(`add.${format}`, [inf, one])).toBe(hex(inf));
    expect(compute(`sub.${format}`, [one, inf])).toBe(hex(minus(inf)));
    expect(compute(`mul.${format}`, [inf, minus(one)])).toBe(hex(minus(inf)));
    expect(compute(`div.${format}`, [minus(one), inf])).toBe(hex(minusZero));
    expect(compute(`sqrt.${format}`, [inf])).toBe(hex(inf));
    expect(compute(`fma.${format}`, [one, one, inf])).toBe(hex(inf));
  });

  it('division by zero raises DZ and gives an infinity of the right sign', () => {
    expect(compute(`div.${format}`, [one, 0n])).toBe(`${hex(inf)} DZ`);
    expect(compute(`div.${format}`, [one, minusZero])).toBe(`${hex(minus(inf))} DZ`);
    expect(compute(`div.${format}`, [inf, 0n])).toBe(hex(inf));
  });

  it('a sum that cancels is +0, but -0 when rounding down', () => {
    const zeros = { RNE: '0x0', RTZ: '0x0', RDN: hex(minusZero), RUP: '0x0', RMM: '0x0' };
    expect(inEveryMode(`sub.${format}`, one, one)).toEqual(zeros);
    expect(inEveryMode(`add.${format}`, 0n, minusZero)).toEqual(zeros);
    expect(inEveryMode(`fma.${format}`, one, one, minus(one))).toEqual(zeros);
    expect(inEveryMode(`fma.${format}`, minusZero, one, 0n)).toEqual(zeros);
  });

  it('zeros keep their sign', () => {
    expect(compute(`add.${format}`, [minusZero, minusZero])).toBe(hex(minusZero));
    expect(compute(`mul.${format}`, [minusZero, one])).toBe(hex(minusZero));
    expect(compute(`div.${format}`, [minusZero, one])).toBe(hex(minusZero));
    expect(compute(`sqrt.${format}`, [minusZero])).toBe(hex(minusZero));
    expect(compute(`fma.${format}`, [minusZero, one, minusZero])).toBe(hex(minusZero));
  });

  it('a sum halfway between two numbers is rounded by the mode', () => {
    const fraction = { h: 10n, s: 23n, d: 52n }[format];
    const halfUnit = one - ((fraction + 1n) << fraction); // 2^-(fraction bits + 1)
    const [same, next] = [one, one + 1n].map((x) => `${hex(x)} NX`);
    expect(inEveryMode(`add.${format}`, one, halfUnit)).toEqual({
      RNE: same,
      RTZ: same,
      RDN: same,
      RUP: next,
      RMM: next,
    });
    const [negative, nextNegative] = [one, one + 1n].map((x) => `${hex(minus(x))} NX`);
    expect(inEveryMode(`sub.${format}`, minus(one), halfUnit)).toEqual({
      RNE: negative,
      RTZ: negative,
      RDN: nextNegative,
      RUP: negative,
      RMM: nextNegative,
    });
    // From an odd significand a tie goes up to the even one.
    expect(compute(`add.${format}`, [one + 1n, halfUnit])).toBe(`${hex(one + 2n)} NX`);
  });

  it('overflow gives infinity or the greatest finite number', () => {
    const [infinite, greatest] = [inf, inf - 1n].map((x) => `${hex(x)} OF NX`);
    expect(inEveryMode(`add.${format}`, inf - 1n, inf - 1n)).toEqual({
      RNE: infinite,
      RTZ: greatest,
      RDN: greatest,
      RUP: infinite,
      RMM: infinite,
    });
    const [minusInfinite, least] = [inf, inf - 1n].map((x) => `${hex(minus(x))} OF NX`);
    expect(inEveryMode(`mul.${format}`, inf - 1n, minus(inf - 1n))).toEqual({
      RNE: minusInfinite,
      RTZ: least,
      RDN: minusInfinite,
      RUP: least,
      RMM: minusInfinite,
    });
  });

  it('an exact subnormal result does not raise UF, an inexact one does', () => {
    const leastNormal = inf & -inf;
    const half = one - leastNormal;
    expect(compute(`mul.${format}`, [leastNormal, half])).toBe(hex(leastNormal / 2n));
    expect(compute(`sub.${format}`, [leastNormal + 1n, leastNormal])).toBe('0x1');
    expect(compute(`mul.${format}`, [1n, half])).toBe('0x0 UF NX');
    expect(compute(`mul.${format}`, [3n, half])).toBe('0x2 UF NX');
    expect(compute(`div.${format}`, [1n, one + leastNormal], 'RUP')).toBe('0x1 UF NX');
  });

  it('tininess is detected after rounding', () => {
    const leastNormal = inf & -inf;
    // (1 - ulp/2) × the least normal number fits the precision, so that it stays tiny, though rounding to
    // the subnormal range gives the least normal number.
    expect(compute(`mul.${format}`, [leastNormal, one - 1n])).toBe(`${hex(leastNormal)} UF NX`);
    // Less than a quarter of a unit below it, it rounds to the least normal number in any range.
    expect(compute(`fma.${format}`, [1n, minus(1n), leastNormal])).toBe(`${hex(leastNormal)} NX`);
  });

  it('minimum and maximum order the zeros and prefer numbers to NaNs', () => {
    expect(compute(`min.${format}`, [0n, minusZero])).toBe(hex(minusZero));
    expect(compute(`min.${format}`, [minusZero, 0n])).toBe(hex(minusZero));
    expect(compute(`max.${format}`, [0n, minusZero])).toBe('0x0');
    expect(compute(`max.${format}`, [minusZero, 0n])).toBe('0x0');
    expect(compute(`min.${format}`, [minus(one), minus(inf)])).toBe(hex(minus(inf)));
    expect(compute(`max.${format}`, [minus(one), one])).toBe(hex(one));
    expect(compute(`min.${format}`, [nan, one])).toBe(hex(one));
    expect(compute(`max.${format}`, [one, nan])).toBe(hex(one));
    expect(compute(`max.${format}`, [signaling, one])).toBe(`${hex(one)} NV`);
    expect(compute(`min.${format}`, [nan, nan])).toBe(canonical);
    expect(compute(`min.${format}`, [nan, signaling])).toBe(`${canonical} NV`);
  });

  it('feq is quiet, flt and fle signal', () => {
    expect(compute(`eq.${format}`, [nan, one])).toBe('0x0');
    expect(compute(`eq.${format}`, [nan, signaling])).toBe('0x0 NV');
    expect(compute(`lt.${format}`, [one, nan])).toBe('0x0 NV');
    expect(compute(`le.${format}`, [nan, nan])).toBe('0x0 NV');
  });

  it('comparisons take the zeros as equal and order the rest', () => {
    expect(compute(`eq.${format}`, [0n, minusZero])).toBe('0x1');
    expect(compute(`lt.${format}`, [minusZero, 0n])).toBe('0x0');
    expect(compute(`le.${format}`, [0n, minusZero])).toBe('0x1');
    expect(compute(`lt.${format}`, [minus(inf), minus(one)])).toBe('0x1');
    expect(compute(`lt.${format}`, [minus(one), 1n])).toBe('0x1');
    expect(compute(`le.${format}`, [one, minus(one)])).toBe('0x0');
    expect(compute(`le.${format}`, [one, one])).toBe('0x1');
    expect(compute(`lt.${format}`, [one, one])).toBe('0x0');
  });

  it('classify names each of the ten classes', () => {
    const classes = [
      minus(inf),
      minus(one),
      minus(1n),
      minusZero,
      0n,
      1n,
      one,
      inf,
      signaling,
      nan,
    ];
    expect(classes.map((x) => compute(`classify.${format}`, [x]))).toEqual(
      classes.map((_, bit) => `0x${(1 << bit).toString(16)}`),
    );
  });
});

describe('addition', () => {
  it('keeps what lies below a tie when the sum carries', () => {
    const a = double(2 - 2 ** -51);
    const b = double(2 ** -11 + 3 * 2 ** -52 + 2 ** -63);
    expect(compute('add.d', [a, b])).toBe(`${hex(double(2 + 2 ** -11 + 2 ** -51))} NX`);
  });
});

describe('fused multiply-add', () => {
  it('notices an addend however far below the product it lies', () => {
    for (let distance = 53; distance < 140; distance++) {
      const operands = [1, 1, 2 ** -distance].map(double);
      const above = compute('fma.d', operands, 'RUP');
      expect(above, `2^-${distance}`).toBe(`${hex(double(1 + 2 ** -52))} NX`);
    }
  });

  it('notices a product however far below the addend it lies', () => {
    for (let distance = 54; distance < 140; distance++) {
      const operands = [2 ** -distance, 1, -1].map(double);
      const above = compute('fma.d', operands, 'RUP');
      expect(above, `2^-${distance}`).toBe(`${hex(double(-1 + 2 ** -53))} NX`);
    }
  });

  it('rounds once', () => {
    const a = 1 + 2 ** -13;
    const operands = [a, a, -1 - 2 ** -12];
    expect(compute('fma.s', operands.map(single))).toBe(hex(single(2 ** -26)));
    const b = 1 + 2 ** -30;
    expect(compute('fma.d', [b, b, -1 - 2 ** -29].map(double))).toBe(hex(double(2 ** -60)));
    const c = 1 + 2 ** -52;
    const inexact = [c, c, -1 - 2 ** -51].map(double);
    expect(compute('fma.d', inexact)).toBe(hex(double(2 ** -104)));
    expect(compute('fma.d', [c, c, 2 ** -54].map(double))).toBe(`${hex(double(1 + 2 ** -51))} NX`);
  });

  it('is not fooled by rounding to double first', () => {
    // The product lies beside 2^-24, half a unit of the addend, by less than a double can tell.
    const scale = 2 ** -12;
    const justBelow = [(1 + 2 ** -23) * scale, (1 - 2 ** -23) * scale]; // 2^-24 (1 - 2^-46)
    const justAbove = [(1 + 2 ** -12) * scale, (1 - 2 ** -12 + 2 ** -24) * scale]; // 2^-24 (1 + 2^-36)
    const below = compute('fma.s', [...justBelow, 1 + 2 ** -23].map(single));
    expect(below).toBe(`${hex(single(1 + 2 ** -23))} NX`);
    const above = compute('fma.s', [...justAbove, 1].map(single));
    expect(above).toBe(`${hex(single(1 + 2 ** -23))} NX`);
  });
});

describe('conversion to an integer', () => {
  it('rounds by the mode', () => {
    const answers = (x: number): Record<Mode, string> => inEveryMode('to_i32.d', double(x));
    expect(answers(2.5)).toEqual({
      RNE: '0x2 NX',
      RTZ: '0x2 NX',
      RDN: '0x2 NX',
      RUP: '0x3 NX',
      RMM: '0x3 NX',
    });
    const [two, three] = ['0xfffffffffffffffe NX', '0xfffffffffffffffd NX'];
    expect(answers(-2.5)).toEqual({ RNE: two, RTZ: two, RDN: three, RUP: two, RMM: three });
    expect(compute('to_i32.d', [double(7)], 'RUP')).toBe('0x7');
  });

  it('saturates with NV, not NX, when the result does not fit', () => {
    expect(compute('to_i32.d', [double(2 ** 31)])).toBe('0x7fffffff NV');
    expect(compute('to_i32.d', [double(2 ** 31 - 0.5)])).toBe('0x7fffffff NV');
    expect(compute('to_i32.d', [double(2 ** 31 - 0.5)], 'RTZ')).toBe('0x7fffffff NX');
    expect(compute('to_i32.d', [double(-(2 ** 31) - 1)])).toBe('0xffffffff80000000 NV');
    expect(compute('to_i32.d', [double(-(2 ** 31))])).toBe('0xffffffff80000000');
    expect(compute('to_i32.d', [double(-(2 ** 31) - 0.5)], 'RTZ')).toBe('0xffffffff80000000 NX');
    expect(compute('to_i64.s', [single(2 ** 63)])).toBe('0x7fffffffffffffff NV');
    expect(compute('to_i64.s', [single(-(2 ** 63))])).toBe('0x8000000000000000');
    expect(compute('to_u64.d', [double(2 ** 64)])).toBe('0xffffffffffffffff NV');
    expect(compute('to_u64.d', [double(2 ** 64 - 2 ** 11)])).toBe('0xfffffffffffff800');
  });

  it('takes NaNs for the greatest value and infinities by their sign', () => {
    const least = { i32: '0xffffffff80000000', u32: '0x0', i64: '0x8000000000000000', u64: '0x0' };
    const greatest = {
      i32: '0x7fffffff',
      u32: '0xffffffffffffffff',
      i64: '0x7fffffffffffffff',
      u64: '0xffffffffffffffff',
    };
    for (const type of ['i32', 'u32', 'i64', 'u64'] as const) {
      for (const format of FORMATS) {
        const infinity = INFINITY[format];
        const name = `to_${type}.${format}` as const;
        expect(compute(name, [QUIET[format]])).toBe(`${greatest[type]} NV`);
        expect(compute(name, [SIGNALING[format]])).toBe(`${greatest[type]} NV`);
        expect(compute(name, [infinity])).toBe(`${greatest[type]} NV`);
        expect(compute(name, [infinity | MINUS_ZERO[format]])).toBe(`${least[type]} NV`);
      }
    }
  });

  it('of an unsigned type takes negative numbers as 0: NX when they round to 0, else NV', () => {
    expect(compute('to_u32.d', [double(-0.5)], 'RTZ')).toBe('0x0 NX');
    expect(compute('to_u32.d', [double(-0.5)], 'RDN')).toBe('0x0 NV');
    expect(compute('to_u64.s', [single(-1)])).toBe('0x0 NV');
    expect(compute('to_u64.s', [MINUS_ZERO.s])).toBe('0x0');
  });

  it('sign-extends 32-bit results, unsigned ones too', () => {
    expect(compute('to_u32.d', [double(2 ** 32 - 1)])).toBe('0xffffffffffffffff');
    expect(compute('to_u32.d', [double(2 ** 31)])).toBe('0xffffffff80000000');
    expect(compute('to_i32.h', [0xc000n])).toBe('0xfffffffffffffffe');
  });
});

describe('conversion from an integer', () => {
  it('takes the low 32 bits of a word', () => {
    expect(compute('from_i32.d', [0x1_ffffffffn])).toBe(hex(double(-1)));
    expect(compute('from_u32.s', [0xffffffff_00000002n])).toBe(hex(single(2)));
    expect(compute('from_i64.d', [0n])).toBe('0x0');
  });

  it('rounds by the mode', () => {
    const [down, up] = [2 ** 53, 2 ** 53 + 2].map((x) => `${hex(double(x))} NX`);
    expect(inEveryMode('from_i64.d', 2n ** 53n + 1n)).toEqual({
      RNE: down,
      RTZ: down,
      RDN: down,
      RUP: up,
      RMM: up,
    });
    const minusDown = `${hex(double(-(2 ** 53)))} NX`;
    const minusUp = `${hex(double(-(2 ** 53) - 2))} NX`;
    expect(inEveryMode('from_i64.d', BigInt.asUintN(64, -(2n ** 53n) - 1n))).toEqual({
      RNE: minusDown,
      RTZ: minusDown,
      RDN: minusUp,
      RUP: minusDown,
      RMM: minusUp,
    });
  });

  it('overflows half precision', () => {
    expect(compute('from_i32.h', [65504n])).toBe('0x7bff');
    expect(compute('from_i32.h', [65520n])).toBe('0x7c00 OF NX');
    expect(compute('from_u64.h', [2n ** 64n - 1n], 'RTZ')).toBe('0x7bff OF NX');
  });

  it('holds the whole range', () => {
    expect(compute('from_i64.s', [1n << 63n])).toBe(hex(single(-(2 ** 63))));
    expect(compute('from_u64.d', [1n << 63n])).toBe(hex(double(2 ** 63)));
    expect(compute('from_u64.d', [2n ** 64n - 1n])).toBe(`${hex(double(2 ** 64))} NX`);
  });
});

describe('conversion between formats', () => {
  it('widens exactly, subnormal numbers too', () => {
    expect(compute('from_s.d', [single(1.5)])).toBe(hex(double(1.5)));
    expect(compute('from_s.d', [1n])).toBe(hex(double(2 ** -149)));
    expect(compute('from_h.s', [1n])).toBe(hex(single(2 ** -24)));
    expect(compute('from_h.d', [0xfc00n])).toBe(hex(double(-Infinity)));
  });

  it('narrows with rounding, overflow and underflow', () => {
    expect(compute('from_d.s', [double(1 + 2 ** -24)])).toBe(`${hex(single(1))} NX`);
    expect(compute('from_d.s', [double(1 + 2 ** -24)], 'RMM')).toBe(
      `${hex(single(1 + 2 ** -23))} NX`,
    );
    expect(compute('from_d.s', [double(1e300)])).toBe(`${hex(INFINITY.s)} OF NX`);
    expect(compute('from_d.s', [double(1e-300)])).toBe('0x0 UF NX');
    expect(compute('from_d.s', [double(2 ** -149)])).toBe('0x1');
    expect(compute('from_s.h', [single(65520)])).toBe('0x7c00 OF NX');
    expect(compute('from_d.h', [double(-(2 ** -25))], 'RDN')).toBe('0x8001 UF NX');
  });

  it('makes every NaN canonical and reports signalling ones', () => {
    expect(compute('from_s.d', [QUIET.s])).toBe(CANONICAL.d);
    expect(compute('from_s.d', [SIGNALING.s])).toBe(`${CANONICAL.d} NV`);
    expect(compute('from_d.s', [SIGNALING.d])).toBe(`${CANONICAL.s} NV`);
    expect(compute('from_d.h', [QUIET.d])).toBe(CANONICAL.h);
  });
});

describe('flags', () => {
  it('are added to those in fcsr, whose rounding mode stays', () => {
    const rup = 3 << 5;
    const divide = { op: 'div', format: 's', rm: 0, operands: [0n, 0n] } as const;
    for (const unit of units) {
      expect(unit.compute(divide, rup | 8).flags).toBe(rup | 8 | 16);
    }
  });
});
