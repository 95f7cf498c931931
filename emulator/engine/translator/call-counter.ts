import { call, i32, i64, type Expr, type FunctionBuilder, type Local } from '../../wasm';
import { timeAt } from '../call-code';
import { COUNTING, EDGE, FRAME, NODE, slotOf } from '../counting-layout';
import { EXIT_ARRIVAL, isReturn, packCountedExit } from '../enter-regions';
import type { Node } from './dominators';
import type { RegionCounters } from './region-counters';

/** What the calls of a region are written with. */
export interface CallCounterState {
  readonly f: FunctionBuilder;
  readonly context: Local<'i32'>;
  readonly fuel: Local<'i32'>;
  readonly counters: RegionCounters;
  /** Functions of call-code.ts. */
  readonly find: number;
  readonly enter: number;
  /** Leaves the region. */
  readonly leave: (exit: Expr<'i64'>) => void;
}

/** One call while its code is written. */
interface CountedCall {
  /** Whether the callee has returned, which is more than that control is behind the call. */
  isBack(exit: Local<'i64'>): Expr<'i32'>;
  /** The callee has not returned: the call is open from now on, and everybody returns to the interpreter. */
  away(exit: Local<'i64'>): void;
  /** The callee has returned, and `fuel` is what is left. */
  back(): void;
}

/**
 * Counts calls in translated code: which edge of the tree of calls they are, and how many instructions they take. What a
 * return costs is this function's business; the open call in memory is filled in only when somebody else must return
 * from it.
 */
export class CallCounter {
  private locals:
    | { readonly top: Local<'i32'>; readonly edge: Local<'i32'>; readonly before: Local<'i32'> }
    | undefined;

  constructor(private readonly state: CallCounterState) {}

  /** The call has been executed, all registers are in the context. */
  begin(
    node: Node,
    site: number,
    target: Expr<'i32'>,
    returnAddress: number,
    depth: Expr<'i32'>,
  ): CountedCall {
    const { f, context, fuel, find, enter, counters } = this.state;
    const isDirect = target.constant !== undefined;
    this.locals ??= { top: f.local('i32'), edge: f.local('i32'), before: f.local('i32') };
    const { top, edge, before } = this.locals;
    const expected = i32.const(returnAddress);
    const countTaken = (): void => {
      if (isDirect) counters.taken(node, site);
    };
    const setTop = (to: Expr<'i32'>): void => f.do(i32.store(context, to, COUNTING.top));

    f.set(top, i32.load(context, COUNTING.top));
    f.scope((temp) => {
      const from = temp('i32');
      f.set(from, i32.load(i32.load(top, FRAME.edge), EDGE.node));
      f.set(edge, i32.load(from, NODE.slots + 4 * slotOf(site)));
      const both =
        target.constant === undefined
          ? i64.or(i64.shl(i64.extend_i32_u(target), i64.const(32)), i64.const(site))
          : i64.const((BigInt(target.constant) << 32n) | BigInt(site));
      // Site and target are neighbours: one comparison.
      f.if(i64.ne(i64.load(edge, EDGE.site), both), () =>
        f.set(edge, call(find, 'i32', from, i32.const(site), target)),
      );
    });
    f.if(i32.or(i32.eqz(edge), i32.eqz(depth)), () => {
      countTaken();
      f.do(call(enter, 'void', context, i32.const(site), target, expected, fuel));
      const exit = i64.or(packCountedExit(fuel, target), i64.const(1));
      this.state.leave(isDirect ? exit : i64.or(exit, i64.const(EXIT_ARRIVAL)));
    });
    f.do(i32.store(top, edge, FRAME.size + FRAME.edge));
    setTop(i32.add(top, i32.const(FRAME.size)));
    f.set(before, fuel);
    return {
      isBack: (exit) => i32.and(i32.eq(i32.wrap_i64(exit), expected), isReturn(exit)),
      away: (exit) => {
        countTaken();
        f.do(i32.store(top, expected, FRAME.size + FRAME.returnAddress));
        f.do(i64.store(top, timeAt(context, before), FRAME.size + FRAME.time));
        this.state.leave(i64.or(exit, i64.const(1)));
      },
      back: () => {
        counters.returned(site);
        const taken = i64.extend_i32_u(i32.sub(before, fuel));
        f.do(i64.store(edge, i64.add(i64.load(edge, EDGE.time), taken), EDGE.time));
        f.do(i64.store(edge, i64.add(i64.load(edge, EDGE.calls), i64.const(1)), EDGE.calls));
        setTop(top);
      },
    };
  }
}
