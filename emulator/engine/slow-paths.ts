import { ACCESS_WRITE, ADDRESS_LIMIT, HART, PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import { i32, i64, type Expr, type FunctionBuilder, type Local, type ModuleBuilder } from '../wasm';
import { noteMiss } from './memory-access';

/** Function numbers of what the handlers call off their fast paths. */
export interface SlowPaths {
  /** (context, address, size) → arena address to read from, or 0: a miss, noted in the context. */
  readonly read: number;
  /** (context, address, value, size) → 1 when stored, or 0: a miss, noted in the context. */
  readonly write: number;
  /** (context, address) → the record of the address, or 0 with the address in `HART.pc`. */
  readonly lookup: number;
}

export function addSlowPaths(module: ModuleBuilder): SlowPaths {
  return { read: addRead(module), write: addWrite(module), lookup: addLookup(module) };
}

interface Deltas {
  readonly first: Local<'i32'>;
  readonly last: Local<'i32'>;
  /** Bytes of the access that lie in the first page, when it crosses. */
  readonly split: Local<'i32'>;
}

/** The deltas of the first and last page of an access; returns 0 from the function when one is missing. */
function bothDeltas(
  f: FunctionBuilder,
  context: Local<'i32'>,
  va: Local<'i64'>,
  size: Local<'i32'>,
  table: number,
  access: Expr<'i32'>,
): Deltas {
  const first = f.local('i32');
  const last = f.local('i32');
  const split = f.local('i32');
  const end = f.local('i64');
  const delta = (address: Expr<'i64'>): Expr<'i32'> =>
    i32.load(
      i32.add(
        i32.load(context, table),
        i32.shl(i32.wrap_i64(i64.shr_u(address, i64.const(PAGE_SHIFT))), i32.const(2)),
      ),
    );
  const miss = (): void => {
    noteMiss(f, context, va, access);
    f.return(i32.const(0));
  };
  f.if(i64.ge_u(va, i64.const(2 ** 32)), miss);
  f.set(end, i64.add(va, i64.extend_i32_u(i32.sub(size, i32.const(1)))));
  f.if(i64.ge_u(end, i64.const(2 ** 32)), miss);
  f.set(first, delta(va));
  f.set(last, delta(end));
  f.if(i32.or(i32.eqz(first), i32.eqz(last)), miss);
  const inPage = i32.and(i32.wrap_i64(va), i32.const(PAGE_SIZE - 1));
  f.set(split, i32.sub(i32.const(PAGE_SIZE), inPage));
  return { first, last, split };
}

/** The arena address of byte `i` of an access. */
function byteAddress(va: Expr<'i64'>, i: Expr<'i32'>, { first, last, split }: Deltas): Expr<'i32'> {
  const address = i32.add(i32.wrap_i64(va), i);
  const before = i32.lt_u(i, split);
  // first + (before ? 0 : last - first): both deltas are at hand, no branch needed.
  const step = i32.and(i32.sub(i32.const(0), i32.eqz(before)), i32.sub(last, first));
  return i32.add(address, i32.add(first, step));
}

/**
 * A misaligned read inside a page is the host's own; one that crosses pages is put together in the
 * hart's bounce buffer.
 */
function addRead(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i64', 'i32'], ['i32']);
  const context = f.param(0, 'i32');
  const va = f.param(1, 'i64');
  const size = f.param(2, 'i32');
  const deltas = bothDeltas(f, context, va, size, HART.readTable, size);
  f.if(i32.le_u(size, deltas.split), () => f.return(i32.add(i32.wrap_i64(va), deltas.first)));
  const i = f.local('i32');
  f.while(i32.lt_u(i, size), () => {
    const byte = i32.load8_u(byteAddress(va, i, deltas));
    f.do(i32.store8(i32.add(context, i), byte, HART.bounce));
    f.set(i, i32.add(i, i32.const(1)));
  });
  f.return(i32.add(context, i32.const(HART.bounce)));
  return index;
}

/** Nothing is written unless both pages can be. */
function addWrite(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i64', 'i64', 'i32'], ['i32']);
  const context = f.param(0, 'i32');
  const va = f.param(1, 'i64');
  const value = f.param(2, 'i64');
  const size = f.param(3, 'i32');
  const access = i32.or(size, i32.const(ACCESS_WRITE));
  const deltas = bothDeltas(f, context, va, size, HART.writeTable, access);
  const i = f.local('i32');
  f.while(i32.lt_u(i, size), () => {
    const byte = i64.shr_u(value, i64.extend_i32_u(i32.shl(i, i32.const(3))));
    f.do(i64.store8(byteAddress(va, i, deltas), byte));
    f.set(i, i32.add(i, i32.const(1)));
  });
  f.return(i32.const(1));
  return index;
}

/**
 * Sets `found` to the record of `target`, or to 0 with the target in `HART.pc`. A page's map holds one u32
 * for each halfword of the page.
 */
export function writeLookup(
  f: FunctionBuilder,
  context: Local<'i32'>,
  target: Local<'i64'>,
  found: Local<'i32'>,
): void {
  const page = i32.wrap_i64(i64.shr_u(target, i64.const(PAGE_SHIFT)));
  const entry = i32.add(i32.load(context, HART.codeTable), i32.shl(page, i32.const(2)));
  const slot = i32.shl(i32.and(i32.wrap_i64(target), i32.const(PAGE_SIZE - 2)), i32.const(1));
  f.set(found, i32.const(0));
  f.block((miss) => {
    f.brIf(miss, i64.ge_u(target, i64.const(ADDRESS_LIMIT)));
    f.set(found, i32.load(entry));
    f.brIf(miss, i32.eqz(found));
    f.set(found, i32.load(i32.add(found, slot)));
  });
  f.if(i32.eqz(found), () => f.do(i64.store(context, target, HART.pc)));
}

function addLookup(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i64'], ['i32']);
  const found = f.local('i32');
  writeLookup(f, f.param(0, 'i32'), f.param(1, 'i64'), found);
  f.return(found);
  return index;
}
