import { i32, i64, type Expr, type FunctionBuilder, type Label, type Local } from '../../wasm';
import {
  countedExitFuel,
  exitFuel,
  EXIT_ARRIVAL,
  EXIT_RETURN,
  packCountedExit,
  packExit,
} from '../enter-regions';
import type { Block } from './region';
import { returns, type RegionCounters } from './region-counters';

/** What a region's function returns, and where: a region that counts adds its counters to the memory before. */
export class RegionResult {
  private deferred: { readonly exit: Local<'i64'>; readonly label: Label } | undefined;

  /** @param counters of a region that counts */
  constructor(
    private readonly f: FunctionBuilder,
    private readonly counters: RegionCounters | undefined,
  ) {}

  /** Writes the whole function: `body`, which returns by `return`, and what comes before the function's end. */
  around(body: () => void): void {
    const { f, counters } = this;
    if (counters?.isDeferred !== true) {
      body();
      return;
    }
    const exit = f.local('i64');
    f.block((label) => {
      this.deferred = { exit, label };
      body();
    });
    counters.flush();
    f.return(exit);
  }

  /** Returns from the region. */
  return(exit: Expr<'i64'>): void {
    const { f, deferred } = this;
    if (deferred) {
      f.set(deferred.exit, exit);
      f.br(deferred.label);
    } else f.return(exit);
  }

  /** What is left behind: so much fuel, and the address to go on at. */
  pack(fuel: Expr<'i32'>, address: Expr<'i32'>): Expr<'i64'> {
    return this.counters ? packCountedExit(fuel, address) : packExit(fuel, address);
  }

  /** The same of the indirect jump at a block's end. */
  packIndirect(block: Block, fuel: Expr<'i32'>, target: Expr<'i64'>): Expr<'i64'> {
    const exit = this.pack(fuel, i32.wrap_i64(target));
    if (!this.counters) return exit;
    return i64.or(exit, i64.const(returns(block) ? EXIT_RETURN : EXIT_ARRIVAL));
  }

  /** The fuel in what another region has left behind. */
  fuelIn(exit: Expr<'i64'>): Expr<'i32'> {
    return this.counters ? countedExitFuel(exit) : exitFuel(exit);
  }
}
