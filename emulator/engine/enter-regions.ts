import { HART } from '../memory/layout';
import { call, callIndirect, i32, i64, type FunctionBuilder, type ModuleBuilder } from '../wasm';
import type { Expr, Local, ValueType } from '../wasm';
import type { CallFunctions } from './call-code';
import { BREAKPOINT_BIT, ENTRY_BIT, FOUND_REGIONS, REGION_SLOTS, REGIONS } from './records';
import { writeLookup } from './slow-paths';

/**
 * A region of translated code is a function `(context: i32, fuel: i32, depth: i32) -> i64`. The result holds
 * the fuel that is left in its upper half and, in the lower one, the address that the hart is at; all
 * registers are in the context. Bit 0 of the address is set where the interpreter must run the instruction
 * there itself before anything else: the region could not, and had no effect of it.
 */
export const REGION_PARAMS: readonly ValueType[] = ['i32', 'i32', 'i32'];

/**
 * Calls between regions that may be open at a time: their WebAssembly frames must fit on the host's stack,
 * whatever the guest does.
 */
export const CALL_DEPTH = 100;

/**
 * Regions that count set bits above the fuel, and whoever goes on behind them counts the arrival: after a return, and
 * after any other indirect jump.
 */
export const EXIT_RETURN = -(1n << 63n);
export const EXIT_ARRIVAL = 1n << 62n;

/** What a region leaves behind, as one number. */
export function packExit(fuel: Expr<'i32'>, address: Expr<'i32'>): Expr<'i64'> {
  return i64.or(i64.shl(i64.extend_i32_s(fuel), i64.const(32)), i64.extend_i32_u(address));
}

/** The fuel in what a region left behind. */
export const exitFuel = (exit: Expr<'i64'>): Expr<'i32'> =>
  i32.wrap_i64(i64.shr_u(exit, i64.const(32)));

/** `packExit` of a region that counts: the fuel, which may be negative, has two bits less. */
export const packCountedExit = (fuel: Expr<'i32'>, address: Expr<'i32'>): Expr<'i64'> =>
  packExit(i32.and(fuel, i32.const(2 ** 30 - 1)), address);

/** The fuel in what a region that counts left behind. */
export const countedExitFuel = (exit: Expr<'i64'>): Expr<'i32'> =>
  i32.shr_s(i32.shl(exitFuel(exit), i32.const(2)), i32.const(2));

/** Whether a region that counts was left by a return. */
export const isReturn = (exit: Expr<'i64'>): Expr<'i32'> => i64.lt_s(exit, i64.const(0));

/** Whether it was left by any indirect jump. */
export const isArrival = (exit: Expr<'i64'>): Expr<'i32'> =>
  i32.wrap_i64(i64.shr_u(exit, i64.const(62)));

/** Whether translated code begins at a record with this operation, and no breakpoint lies there. */
const isEntry = (operation: Expr<'i32'>): Expr<'i32'> =>
  i32.eq(i32.and(operation, i32.const(BREAKPOINT_BIT | ENTRY_BIT)), i32.const(ENTRY_BIT));

/** The place of a region in the table, from the operation of the record where it begins. */
export const regionSlot = (operation: Expr<'i32'>): Expr<'i32'> =>
  i32.and(operation, i32.const(REGION_SLOTS - 1));

/** Where among the regions found last that of an address is. */
const foundOffset = (address: Expr<'i32'>): Expr<'i32'> =>
  i32.shl(i32.and(address, i32.const(2 * FOUND_REGIONS - 2)), i32.const(2));

/** The own operation of a record where a region begins. */
export function ownOperation(context: Local<'i32'>, operation: Expr<'i32'>): Expr<'i32'> {
  return i32.load16_u(
    i32.add(i32.load(context, HART.regions), i32.shl(regionSlot(operation), i32.const(1))),
    REGIONS.operations,
  );
}

/** Adds to one of the 64-bit counters in the region block. */
export function count(
  f: FunctionBuilder,
  block: Local<'i32'>,
  offset: number,
  amount: Expr<'i64'>,
): void {
  f.do(i64.store(block, i64.add(i64.load(block, offset), amount), offset));
}

/**
 * `resume(context, exit, depth, expected) -> exit`: goes on where a region has left off, as long as translated
 * code begins there and it is not the address `expected`, where the caller goes on itself. While calls are counted only
 * a return gets there.
 */
export function addResume(module: ModuleBuilder, counting?: CallFunctions): number {
  const { index, builder: f } = module.function(['i32', 'i64', 'i32', 'i32'], ['i64']);
  const signature = module.signature(REGION_PARAMS, ['i64']);
  const context = f.param(0, 'i32');
  const exit = f.param(1, 'i64');
  const depth = f.param(2, 'i32');
  const expected = f.param(3, 'i32');
  const address = f.local('i32');
  const target = f.local('i64');
  const record = f.local('i32');
  const operation = f.local('i32');
  const slot = f.local('i32');
  const place = f.local('i32');
  f.block((done) => {
    const findRegion = (): void => {
      f.brIf(done, i32.and(address, i32.const(1)));
      f.set(target, i64.extend_i32_u(address));
      writeLookup(f, context, target, record);
      f.brIf(done, i32.eqz(record));
      f.set(operation, i32.load16_u(record));
      f.brIf(done, i32.eqz(isEntry(operation)));
      f.set(slot, regionSlot(operation));
    };
    f.loop((again) => {
      f.set(address, i32.wrap_i64(exit));
      f.brIf(done, counting ? isReturn(exit) : i32.eq(address, expected));
      if (counting) {
        findRegion();
        f.if(isArrival(exit), () => f.do(call(counting.arrive, 'void', context, record)));
      } else {
        // An odd address, where the interpreter goes on, is nobody's: the marks of even ones are odd, and 2^32 is not the
        // 0 of an empty place.
        const mark = i64.add(i64.extend_i32_u(address), i64.const(1));
        f.set(place, i32.add(i32.load(context, HART.regions), foundOffset(address)));
        f.if(i64.ne(i64.load32_u(place, REGIONS.found), mark), () => {
          findRegion();
          f.do(i32.store(place, i32.wrap_i64(mark), REGIONS.found));
          f.do(i32.store(place, slot, REGIONS.found + 4));
        });
        f.set(slot, i32.load(place, REGIONS.found + 4));
      }
      const fuel = counting ? countedExitFuel(exit) : exitFuel(exit);
      f.set(exit, callIndirect(signature, slot, 'i64', context, fuel, depth));
      f.br(again);
    });
  });
  f.return(exit);
  return index;
}
