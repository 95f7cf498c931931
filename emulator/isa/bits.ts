import { i64, type Expr } from '../wasm';
import type { Emitter } from './emitter';

/** Exchanges neighbouring groups of `width` bits; `mask` marks the lower group of each pair. */
function exchange(s: Emitter, value: Expr<'i64'>, width: number, mask: bigint): Expr<'i64'> {
  const kept = s.let(value);
  return i64.or(
    i64.and(i64.shr_u(kept, i64.const(width)), i64.const(mask)),
    i64.shl(i64.and(kept, i64.const(mask)), i64.const(width)),
  );
}

/** The bytes of a 64-bit value in the opposite order. */
export function reverseBytes(s: Emitter, value: Expr<'i64'>): Expr<'i64'> {
  const pairs = exchange(s, value, 8, 0x00ff00ff00ff00ffn);
  return i64.rotl(exchange(s, pairs, 16, 0x0000ffff0000ffffn), i64.const(32));
}

/** The bits of a 64-bit value in the opposite order. */
export function reverseBits(s: Emitter, value: Expr<'i64'>): Expr<'i64'> {
  const ones = exchange(s, value, 1, 0x5555555555555555n);
  const twos = exchange(s, ones, 2, 0x3333333333333333n);
  return reverseBytes(s, exchange(s, twos, 4, 0x0f0f0f0f0f0f0f0fn));
}
