import { assemble } from '../../isa/assembler';
import { hostHasFusedMadd } from '../host';
import type { RegionSource } from './region';
import { LEAST_CUT, translateUnit, type TranslatedUnit } from './unit';

/** Something of each kind that hot code is made of: loops that add up floats and whole numbers, stores, calls, multiplications. */
const CODE = `
sum:    flw      fa0, 0(a0)
        flw      fa1, 0(a1)
        fmadd.s  fa2, fa0, fa1, fa2
        addi     a0, a0, 4
        addi     a1, a1, 4
        bne      a0, a2, sum
        ret
mix:    addi     sp, sp, -16
        sd       ra, 8(sp)
1:      ld       t0, 0(a0)
        srli     t1, t0, 12
        xor      t0, t0, t1
        mul      t0, t0, a3
        addw     t2, t2, t0
        remu     t3, t0, a4
        sd       t0, 0(a0)
        sb       t2, 8(a0)
        jal      ra, leaf
        addi     a0, a0, 8
        bltu     a0, a2, 1b
        fld      fa0, 0(a1)
        fld      fa1, 8(a1)
        fmul.d   fa0, fa0, fa1
        fadd.d   fa2, fa2, fa0
        fsd      fa2, 0(a1)
        amoadd.w t0, t1, (a3)
        ld       ra, 8(sp)
        addi     sp, sp, 16
        ret
leaf:   slt      t4, t0, t1
        beqz     t4, 1f
        sll      t0, t0, t1
1:      ret
`;

/**
 * Translates a little program that nobody runs, so that the host has compiled the translator when a guest needs it: some
 * 20 ms of a thread that has nothing else to do.
 * @returns the modules
 */
export function practise(): TranslatedUnit[] {
  const { bytes, symbols } = assemble(CODE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const source: RegionSource = {
    fetch: (address) => (address + 2 <= bytes.length ? view.getUint16(address, true) : undefined),
    isBreakpoint: () => false,
    isReached: () => true,
    data: () => undefined,
  };
  const options = {
    limit: 64,
    leastCut: LEAST_CUT,
    mode: hostHasFusedMadd() ? 'clear' : 'soft',
    withCallees: true,
    onlyReached: true,
    isKnown: () => false,
  } as const;
  return ['mix', 'sum'].flatMap((name) => {
    const unit = translateUnit(source, symbols.get(name) ?? 0, options);
    return unit ? [unit] : [];
  });
}
