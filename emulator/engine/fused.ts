/**
 * Sequences that the interpreter runs as one operation, without dispatch between them: the most frequent
 * ones of the benchmark kernels (`npm run bench` prints what each change does). Only the last may move
 * control. Each instruction keeps its own record, so jumps into the middle, faults and counts stay exact.
 */
export const FUSED: readonly string[] = [];
