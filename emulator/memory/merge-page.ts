import {
  i32,
  i64,
  ModuleBuilder,
  unreachable,
  type Expr,
  type FunctionBuilder,
  type Local,
} from '../wasm';
import { PAGE_SIZE } from './layout';

export interface MergeOperation {
  /**
   * The three-way merge of one page: a byte that only the child has changed against the base goes to the target;
   * one that both have changed stays as the target has it, and counts as a conflict if the values differ. Arguments
   * are the arena addresses of three frames.
   * @returns how many bytes went to the target, and how many are in conflict
   */
  merge(target: number, child: number, base: number): { bytes: number; conflicts: number };
  /** How many bytes of a child's page differ from the base's. */
  changed(child: number, base: number): number;
}

const LOW_BITS = 0x7f7f7f7f7f7f7f7fn;
const HIGH_BITS = 0x8080808080808080n;
const CONFLICT_SHIFT = 16;

function build(): WebAssembly.Module {
  const module = new ModuleBuilder();
  const merge = module.function(['i32', 'i32', 'i32'], ['i32']);
  buildMerge(merge.builder);
  module.export('merge', merge.index);
  const changed = module.function(['i32', 'i32'], ['i32']);
  buildChanged(changed.builder);
  module.export('changed', changed.index);
  return new WebAssembly.Module(module.build());
}

/**
 * The bytes in which two words differ, as the high bit of each: adding 0x7f carries any low bit of a byte into
 * its high bit.
 */
function differing(
  b: FunctionBuilder,
  difference: Local<'i64'>,
  one: Expr<'i64'>,
  other: Expr<'i64'>,
): Expr<'i64'> {
  b.set(difference, i64.xor(one, other));
  const low = i64.add(i64.and(difference, i64.const(LOW_BITS)), i64.const(LOW_BITS));
  return i64.and(i64.or(low, difference), i64.const(HIGH_BITS));
}

const count = (set: Expr<'i64'>): Expr<'i32'> => i32.wrap_i64(i64.popcnt(set));

/** Eight bytes at a time. */
function buildMerge(b: FunctionBuilder): void {
  const [target, child, base] = [0, 1, 2].map((n) => b.param(n, 'i32'));
  const [end, counts] = [b.local('i32'), b.local('i32')];
  const [ours, theirs, before] = [b.local('i64'), b.local('i64'), b.local('i64')];
  const [changed, taken, both] = [b.local('i64'), b.local('i64'), b.local('i64')];
  const scratch = b.local('i64');
  b.set(end, i32.add(base, i32.const(PAGE_SIZE)));
  b.loop((again) => {
    b.set(theirs, i64.load(child));
    b.set(before, i64.load(base));
    b.if(i64.ne(theirs, before), () => {
      b.set(ours, i64.load(target));
      b.set(changed, differing(b, scratch, theirs, before));
      b.set(taken, differing(b, scratch, ours, before));
      // Changed by both, and not to the same.
      b.set(both, i64.and(changed, taken));
      b.set(both, i64.and(both, differing(b, scratch, ours, theirs)));
      b.set(counts, i32.add(counts, i32.shl(count(both), i32.const(CONFLICT_SHIFT))));
      b.set(taken, i64.and(changed, i64.xor(taken, i64.const(HIGH_BITS))));
      b.set(counts, i32.add(counts, count(taken)));
      // From the high bit of each byte to all of its bits.
      b.set(taken, i64.mul(i64.shr_u(taken, i64.const(7)), i64.const(0xff)));
      const kept = i64.and(ours, i64.xor(taken, i64.const(-1)));
      b.do(i64.store(target, i64.or(kept, i64.and(theirs, taken))));
    });
    for (const at of [target, child, base]) b.set(at, i32.add(at, i32.const(8)));
    b.brIf(again, i32.ne(base, end));
  });
  b.return(counts);
  b.do(unreachable);
}

function buildChanged(b: FunctionBuilder): void {
  const [child, base] = [0, 1].map((n) => b.param(n, 'i32'));
  const [end, total] = [b.local('i32'), b.local('i32')];
  const [set, scratch] = [b.local('i64'), b.local('i64')];
  b.set(end, i32.add(base, i32.const(PAGE_SIZE)));
  b.loop((again) => {
    b.set(set, differing(b, scratch, i64.load(child), i64.load(base)));
    b.set(total, i32.add(total, count(set)));
    for (const at of [child, base]) b.set(at, i32.add(at, i32.const(8)));
    b.brIf(again, i32.ne(base, end));
  });
  b.return(total);
  b.do(unreachable);
}

let compiled: WebAssembly.Module | undefined;

/** The merge on one arena, for the calling thread. */
export function mergeOperation(arena: WebAssembly.Memory): MergeOperation {
  compiled ??= build();
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory: arena } });
  const merge = exports['merge'] as (target: number, child: number, base: number) => number;
  return {
    merge(target, child, base) {
      const counts = merge(target, child, base);
      return { bytes: counts & 0xffff, conflicts: counts >>> CONFLICT_SHIFT };
    },
    changed: exports['changed'] as MergeOperation['changed'],
  };
}
