import { i32, type Expr } from '../../wasm';

/**
 * What a region's floating-point code is written for:
 *
 * - `sticky`: round-to-nearest-even, and the inexact flag is set already. The host's result stands unless it
 *   may raise another flag.
 * - `clear`: round-to-nearest-even, no inexact flag yet. The host's result stands if it is exact besides; the
 *   interpreter computes the first one that is not, and after that the mode is `sticky`.
 * - `soft`: anything else. The interpreter's floating-point functions compute.
 */
export const FLOAT_MODES = ['sticky', 'clear', 'soft'] as const;
export type FloatMode = (typeof FLOAT_MODES)[number];

/** frm and the inexact flag in `fcsr`. */
const MODE_BITS = 0xe1;
const FRM_BITS = 0xe0;

/** The mode that a value of `fcsr` stands for. */
export function modeOf(fcsr: number): FloatMode {
  const bits = fcsr & MODE_BITS;
  if (bits === 1) return 'sticky';
  return bits === 0 ? 'clear' : 'soft';
}

/** The same test in translated code. */
export function isInMode(mode: FloatMode, fcsr: Expr<'i32'>): Expr<'i32'> {
  if (mode === 'soft') return i32.ne(i32.and(fcsr, i32.const(FRM_BITS)), i32.const(0));
  const bits = i32.and(fcsr, i32.const(MODE_BITS));
  return i32.eq(bits, i32.const(mode === 'sticky' ? 1 : 0));
}
