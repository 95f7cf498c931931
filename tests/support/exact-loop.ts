/*
 * An endless loop of which each instruction has a label, and what there must be in the registers and in memory before each of
 * them: a stop or a signal anywhere in it can be checked whole.
 */

/** The labels, in the order in which their instructions run. */
export const EXACT_LABELS = ['add', 'triple', 'store', 'sum', 'back'] as const;
export type ExactLabel = (typeof EXACT_LABELS)[number];

/** `s1` counts rounds, `s2` is three times that, the memory at `s3` as `s1`, `s4` the sum of all `s2`. */
export const EXACT_LOOP = `
    li s1, 0
    li s2, 0
    li s4, 0
  add: addi s1, s1, 1
  triple: addi s2, s2, 3
  store: sd s1, 0(s3)
  sum: add s4, s4, s2
  back: j add`;

/** What a hart in the loop has. */
interface ExactState {
  readonly s2: bigint;
  readonly s4: bigint;
  readonly memory: bigint;
}

/** What a hart in the loop must have before the instruction at `label`, and how many of the loop it has run. */
export function exactState(label: ExactLabel, s1: bigint): { state: ExactState; ran: number } {
  const at = EXACT_LABELS.indexOf(label);
  const whole = at > 0 ? s1 - 1n : s1;
  const behind = (other: ExactLabel): bigint => (at > EXACT_LABELS.indexOf(other) ? s1 : whole);
  const summed = behind('sum');
  return {
    state: {
      s2: 3n * behind('triple'),
      s4: (3n * summed * (summed + 1n)) / 2n,
      memory: behind('store'),
    },
    ran: EXACT_LABELS.length * Number(whole) + at,
  };
}
