import { HART } from '../memory/layout';
import {
  i32,
  i64,
  call,
  type Expr,
  type FunctionBuilder,
  type Local,
  type ModuleBuilder,
} from '../wasm';
import { COUNTER, COUNTING, EDGE, FRAME, NODE, PENDING } from './counting-layout';

/** Function numbers of what counting handlers call. */
export interface CallFunctions {
  /** (node, site, target) → the edge of such a call, or 0 */
  readonly find: number;
  /** (context, site, target, return address, fuel left): a call has been executed. */
  readonly enter: number;
  /** (context, target, fuel left): a return has been executed. */
  readonly leave: number;
  /** (context, record): control has come to the record by an indirect jump. */
  readonly arrive: number;
}

export function addCallFunctions(module: ModuleBuilder): CallFunctions {
  const find = addFind(module);
  return {
    find,
    enter: addEnter(module, find),
    leave: addLeave(module),
    arrive: addArrive(module),
  };
}

/** Instructions retired where so much fuel is left. */
export const timeAt = (context: Local<'i32'>, fuel: Expr<'i32'>): Expr<'i64'> =>
  i64.sub(i64.load(context, COUNTING.timeBase), i64.extend_i32_s(fuel));

/** Adds one to a counter of a record; one that was 0 is noted. */
export function bumpRecord(
  f: FunctionBuilder,
  context: Local<'i32'>,
  record: Local<'i32'>,
  field: number,
  temp: <T extends 'i32' | 'i64'>(type: T) => Local<T>,
): void {
  const at = temp('i32');
  const value = temp('i64');
  const touched = temp('i32');
  f.set(at, i32.add(record, i32.load(context, HART.counters)));
  f.set(value, i64.load(at, field));
  f.do(i64.store(at, i64.add(value, i64.const(1)), field));
  f.if(i64.eqz(value), () => {
    f.set(touched, i32.load(context, COUNTING.touched));
    f.if(i32.lt_u(touched, i32.load(context, COUNTING.touchedEnd)), () => {
      f.do(i32.store(touched, record));
      f.do(i32.store(context, i32.add(touched, i32.const(4)), COUNTING.touched));
    });
  });
}

/** Which slot of its caller's node a call looks at, in bytes: `slotOf` as code. */
function slotOffset(site: Local<'i32'>): Expr<'i32'> {
  const hash = i32.xor(i32.shr_u(site, i32.const(1)), i32.shr_u(site, i32.const(4)));
  return i32.shl(i32.and(hash, i32.const(NODE.slotCount - 1)), i32.const(2));
}

type Temp = <T extends 'i32' | 'i64'>(type: T) => Local<T>;

/** What a handler knows of a call that it executes. */
interface ExecutedCall {
  readonly site: Local<'i32'>;
  readonly target: Local<'i32'>;
  readonly returnAddress: Expr<'i32'>;
  /** The fuel behind it. */
  readonly fuel: Expr<'i32'>;
}

/** Opens a call as `enter` does, without a call of that when the edge is the one that was used last. */
export function writeEnter(
  f: FunctionBuilder,
  context: Local<'i32'>,
  { enter }: CallFunctions,
  { site, target, returnAddress, fuel }: ExecutedCall,
  temp: Temp,
): void {
  const top = temp('i32');
  const edge = temp('i32');
  f.set(top, i32.load(context, COUNTING.top));
  f.set(edge, i32.add(i32.load(i32.load(top, FRAME.edge), EDGE.node), slotOffset(site)));
  f.set(edge, i32.load(edge, NODE.slots));
  const both = i64.or(i64.shl(i64.extend_i32_u(target), i64.const(32)), i64.extend_i32_u(site));
  const hasRoom = i32.lt_u(
    i32.add(top, i32.const(2 * FRAME.size)),
    i32.load(context, COUNTING.end),
  );
  f.if(
    i32.and(i64.eq(i64.load(edge, EDGE.site), both), hasRoom),
    () => {
      f.do(i32.store(top, edge, FRAME.size + FRAME.edge));
      f.do(i32.store(top, returnAddress, FRAME.size + FRAME.returnAddress));
      f.do(i64.store(top, timeAt(context, fuel), FRAME.size + FRAME.time));
      f.do(i32.store(context, i32.add(top, i32.const(FRAME.size)), COUNTING.top));
    },
    () => f.do(call(enter, 'void', context, site, target, returnAddress, fuel)),
  );
}

/** Ends the innermost call where control goes to `target`; what else that may be is looked at before the next call. */
export function writeLeave(
  f: FunctionBuilder,
  context: Local<'i32'>,
  target: Local<'i32'>,
  fuel: Expr<'i32'>,
  temp: Temp,
): void {
  const top = temp('i32');
  const edge = temp('i32');
  f.set(top, i32.load(context, COUNTING.top));
  f.if(
    i32.eq(i32.load(top, FRAME.returnAddress), target),
    () => {
      f.set(edge, i32.load(top, FRAME.edge));
      const time = i64.sub(timeAt(context, fuel), i64.load(top, FRAME.time));
      f.do(i64.store(edge, i64.add(i64.load(edge, EDGE.time), time), EDGE.time));
      f.do(i64.store(edge, i64.add(i64.load(edge, EDGE.calls), i64.const(1)), EDGE.calls));
      f.do(i32.store(context, i32.sub(top, i32.const(FRAME.size)), COUNTING.top));
    },
    () => {
      f.do(i32.store(context, i32.const(PENDING.return), COUNTING.pending));
      f.do(i32.store(context, target, COUNTING.pendingTarget));
      f.do(i64.store(context, timeAt(context, fuel), COUNTING.pendingTime));
    },
  );
}

function addFind(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i32', 'i32'], ['i32']);
  const node = f.param(0, 'i32');
  const site = f.param(1, 'i32');
  const target = f.param(2, 'i32');
  const edge = f.local('i32');
  const slot = f.local('i32');
  f.set(slot, i32.add(node, slotOffset(site)));
  f.set(edge, i32.load(slot, NODE.slots));
  const fits = i32.and(
    i32.eq(i32.load(edge, EDGE.site), site),
    i32.eq(i32.load(edge, EDGE.target), target),
  );
  f.if(fits, () => f.return(edge));
  f.set(edge, i32.load(node, NODE.firstEdge));
  f.while(edge, () => {
    f.if(fits, () => {
      f.do(i32.store(slot, edge, NODE.slots));
      f.return(edge);
    });
    f.set(edge, i32.load(edge, EDGE.next));
  });
  f.return(i32.const(0));
  return index;
}

function addEnter(module: ModuleBuilder, find: number): number {
  const { index, builder: f } = module.function(['i32', 'i32', 'i32', 'i32', 'i32'], []);
  const context = f.param(0, 'i32');
  const site = f.param(1, 'i32');
  const target = f.param(2, 'i32');
  const returnAddress = f.param(3, 'i32');
  const fuel = f.param(4, 'i32');
  const top = f.local('i32');
  const edge = f.local('i32');
  f.set(top, i32.load(context, COUNTING.top));
  const node = i32.load(i32.load(top, FRAME.edge), EDGE.node);
  const hasRoom = i32.lt_u(
    i32.add(top, i32.const(2 * FRAME.size)),
    i32.load(context, COUNTING.end),
  );
  f.if(hasRoom, () => f.set(edge, call(find, 'i32', node, site, target)));
  f.if(
    edge,
    () => {
      f.set(top, i32.add(top, i32.const(FRAME.size)));
      f.do(i32.store(top, edge, FRAME.edge));
      f.do(i32.store(top, returnAddress, FRAME.returnAddress));
      f.do(i64.store(top, timeAt(context, fuel), FRAME.time));
      f.do(i32.store(context, top, COUNTING.top));
    },
    () => {
      f.do(i32.store(context, i32.const(PENDING.call), COUNTING.pending));
      f.do(i32.store(context, site, COUNTING.pendingSite));
      f.do(i32.store(context, target, COUNTING.pendingTarget));
      f.do(i32.store(context, returnAddress, COUNTING.pendingReturn));
      f.do(i64.store(context, timeAt(context, fuel), COUNTING.pendingTime));
    },
  );
  return index;
}

function addLeave(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i32', 'i32'], []);
  const context = f.param(0, 'i32');
  const target = f.param(1, 'i32');
  const fuel = f.param(2, 'i32');
  f.scope((temp) => writeLeave(f, context, target, fuel, temp));
  return index;
}

function addArrive(module: ModuleBuilder): number {
  const { index, builder: f } = module.function(['i32', 'i32'], []);
  f.scope((temp) => bumpRecord(f, f.param(0, 'i32'), f.param(1, 'i32'), COUNTER.arrivals, temp));
  return index;
}
