import { HART } from '../memory/layout';
import type { Instruction } from '../isa/types';
import { i32, i64, call, callIndirect, choose, ModuleBuilder, select } from '../wasm';
import type { Expr, FunctionBuilder, Label, Local } from '../wasm';
import {
  addResume,
  CALL_DEPTH,
  count,
  countedExitFuel,
  exitFuel,
  isArrival,
  isReturn,
  ownOperation,
  REGION_PARAMS,
  regionSlot,
} from './enter-regions';
import { addCallFunctions, type CallFunctions } from './call-code';
import { CountingEmitter } from './counting-emitter';
import { COUNTING, FRAME } from './counting-layout';
import { addFloatFunctions, type FloatFunctions } from './float';
import { InterpreterEmitter, type InterpreterState } from './interpreter-emitter';
import { LoggingEmitter } from './logging-emitter';
import { operations, type Operation } from './operations';
import {
  BREAKPOINT_BIT,
  ENTRY_BIT,
  LONGEST_RUN,
  PSEUDO,
  PSEUDO_COUNT,
  REASON,
  RECORD,
  REGION_SLOTS,
  REGIONS,
} from './records';
import { addSlowPaths, writeLookup, type SlowPaths } from './slow-paths';
import { REGION_LIMIT } from './translator/region';

/**
 * Interpreters with one thing more: `logging` writes down each memory access and fence (access-log.ts),
 * `counting` counts instructions (instruction-counter.ts) and keeps track of calls (call-graph.ts).
 */
export type InterpreterVariant = 'plain' | 'logging' | 'counting';

const EMITTERS = {
  plain: InterpreterEmitter,
  logging: LoggingEmitter,
  counting: CountingEmitter,
} as const;

/**
 * The interpreter: two WebAssembly functions generated from the instruction table,
 * `run(context, record, fuel, reserve)` and `step(context, record, fuel)`, both returning a `REASON`.
 *
 * Each is a loop around a jump table with one handler for each operation. `run` looks at the fuel only
 * where control moves, knows fused operations, and stops at breakpoints; it may leave up to
 * `RUN_MARGIN` instructions of fuel unused, never more than it was given. `step` looks at the fuel
 * before each instruction and so stops exactly; it runs through breakpoints.
 *
 * `run` calls translated code where it comes to a record at which a region begins. What that uses is taken
 * from `reserve` first, so that `fuel` bounds what is interpreted; what is left of either is in `HART.fuel`
 * and `HART.reserve`. `step` knows no regions.
 */
export interface InterpreterOptions {
  /** Use the host's fused multiply-add (`hostHasFusedMadd`). */
  readonly relaxedMadd: boolean;
  /** What it does besides running instructions [nothing]. */
  readonly variant?: InterpreterVariant;
}

/** What `run` may overshoot by: its caller holds back this much of the budget. */
export const RUN_MARGIN = LONGEST_RUN + 1;

export function buildInterpreter(options: InterpreterOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const floats = addFloatFunctions(module, options);
  const slow = addSlowPaths(module);
  const calls = options.variant === 'counting' ? addCallFunctions(module) : undefined;
  const parts: EngineParts = { floats, slow, ...(calls && { calls }) };
  const step = addEngine(module, parts, options);
  module.export('run', addEngine(module, parts, options, step));
  module.export('step', step);
  module.export('resume', addResume(module, calls));
  if (calls) {
    module.export('findCall', calls.find);
    module.export('enterCall', calls.enter);
  }
  module.exportTable('regions', REGION_SLOTS);
  floats.export();
  return module.build();
}

/** The other functions of the module. */
interface EngineParts {
  readonly floats: FloatFunctions;
  readonly slow: SlowPaths;
  readonly calls?: CallFunctions;
}

/** Adds `run`, which calls the function `step` after a region that could not go on, or `step` itself. */
function addEngine(
  module: ModuleBuilder,
  parts: EngineParts,
  { relaxedMadd, variant = 'plain' }: InterpreterOptions,
  step?: number,
): number {
  const kind = step === undefined ? 'step' : 'run';
  const { index, builder: f } = module.function(
    kind === 'run' ? ['i32', 'i32', 'i32', 'i32'] : ['i32', 'i32', 'i32'],
    ['i32'],
  );
  const context = f.param(0, 'i32');
  const record = f.param(1, 'i32');
  const fuel = f.param(2, 'i32');
  const bound = f.local('i32');
  const readTable = f.local('i32');
  const writeTable = f.local('i32');
  const reason = f.local('i32');
  const operation = f.local('i32');
  const state: InterpreterState = {
    f,
    context,
    record,
    bound,
    readTable,
    writeTable,
    ...parts,
    relaxedMadd,
    beside: kind === 'run' ? f.param(3, 'i32') : i32.load(context, COUNTING.beside),
  };
  f.set(bound, i32.add(record, i32.shl(fuel, i32.const(4))));
  f.set(readTable, i32.load(context, HART.readTable));
  f.set(writeTable, i32.load(context, HART.writeTable));

  const fuelLeft = i32.gt_s(i32.sub(bound, record), i32.const(0));
  withExits(f, reason, (reasons, finish) => {
    f.loop((dispatch) => {
      if (kind === 'step') {
        f.brIf(reasons.get(REASON.fuel)!, i32.eqz(fuelLeft));
        f.set(operation, i32.load16_u(record, RECORD.operation));
        const entry = i32.and(operation, i32.const(ENTRY_BIT));
        f.set(operation, choose(entry, ownOperation(context, operation), operation));
      }
      f.block((next) => {
        f.switch(
          kind === 'step'
            ? i32.and(operation, i32.const(BREAKPOINT_BIT - 1))
            : i32.load16_u(record, RECORD.operation),
          [
            ...pseudoHandlers(state, reasons, next),
            ...instructionHandlers(state, reasons, next, dispatch, kind, variant),
          ],
          () => {
            if (step === undefined) f.br(reasons.get(REASON.breakpoint)!);
            else enterRegion(state, module, step, { reasons, reason, finish, next, dispatch });
          },
        );
      });
      if (kind === 'run') f.brIf(dispatch, fuelLeft);
      else f.br(dispatch);
    });
    f.br(reasons.get(REASON.fuel)!);
  });
  f.do(i32.store(context, record, HART.trapRecord));
  f.do(i32.store(context, i32.shr_s(i32.sub(bound, record), i32.const(4)), HART.fuel));
  if (kind === 'run') f.do(i32.store(context, f.param(3, 'i32'), HART.reserve));
  f.return(reason);
  return index;
}

/** No way through a region to where it looks at the fuel again is so long, in instructions. */
const FUEL_END = 2 * REGION_LIMIT;

/** Ways out of `run`. */
interface RunExits {
  readonly reasons: ReadonlyMap<number, Label>;
  /** Leaves with what is in `reason`. */
  readonly reason: Local<'i32'>;
  readonly finish: Label;
  readonly next: Label;
  /** The next record, whatever fuel is left. */
  readonly dispatch: Label;
}

/** The operation is no handler's: a breakpoint, or a region begins here and is run. */
function enterRegion(
  { f, context, record, bound, calls }: InterpreterState,
  module: ModuleBuilder,
  step: number,
  { reasons, reason, finish, next, dispatch }: RunExits,
): void {
  const reserve = f.param(3, 'i32');
  const signature = module.signature(REGION_PARAMS, ['i64']);
  const breakpoint = i32.and(i32.load16_u(record, RECORD.operation), i32.const(BREAKPOINT_BIT));
  f.brIf(reasons.get(REASON.breakpoint)!, breakpoint);
  if (calls) leaveForCalls(f, context, reasons.get(REASON.calls)!);
  f.scope((temp) => {
    const slice = temp('i32');
    const total = temp('i32');
    const left = temp('i32');
    const exit = temp('i64');
    const target = temp('i64');
    const found = temp('i32');
    const block = temp('i32');
    f.set(slice, i32.shr_s(i32.sub(bound, record), i32.const(4)));
    f.set(total, i32.add(slice, reserve));
    const slot = regionSlot(i32.load16_u(record, RECORD.operation));
    f.set(exit, callIndirect(signature, slot, 'i64', context, total, i32.const(CALL_DEPTH)));
    f.set(left, calls ? countedExitFuel(exit) : exitFuel(exit));
    f.set(block, i32.load(context, HART.regions));
    count(f, block, REGIONS.instructions, i64.extend_i32_s(i32.sub(total, left)));
    count(f, block, REGIONS.entries, i64.const(1));
    f.if(i32.lt_s(left, slice), () => f.set(slice, left));
    f.set(reserve, i32.sub(left, slice));
    const address = i32.and(i32.wrap_i64(exit), i32.const(-2));
    f.set(target, i64.extend_i32_u(address));
    writeLookup(f, context, target, found);
    if (calls) countArrival({ f, context, calls }, exit, found, left);
    f.if(found, () => f.set(record, found));
    // Where the fuel was used up control would have gone on in the region.
    const gap = select(i32.gt_s(left, i32.const(FUEL_END)), record, i32.const(0));
    f.do(i32.store(block, gap, REGIONS.left));
    const refuel = (): void => f.set(bound, i32.add(record, i32.shl(slice, i32.const(4))));
    refuel();
    f.brIf(reasons.get(REASON.lookup)!, i32.eqz(found));
    lookForNews({ f, context, record }, reasons, 0);
    f.brIf(next, i32.eqz(i32.and(i32.wrap_i64(exit), i32.const(1))));
    f.brIf(reasons.get(REASON.breakpoint)!, breakpoint);
    f.brIf(reasons.get(REASON.fuel)!, i32.le_s(left, i32.const(0)));
    if (calls) f.do(i32.store(context, i32.sub(left, i32.const(1)), COUNTING.beside));
    // What the region could not do: one instruction, by the interpreter.
    f.set(reason, call(step, 'i32', context, record, i32.const(1)));
    f.set(slice, i32.sub(slice, i32.sub(i32.const(1), i32.load(context, HART.fuel))));
    f.set(record, i32.load(context, HART.trapRecord));
    f.do(i32.store(block, gap, REGIONS.left));
    refuel();
    // Without a look at the fuel: it is to end where control moves, because there regions may begin.
    f.brIf(dispatch, i32.eq(reason, i32.const(REASON.fuel)));
    f.br(finish);
  });
}

/** Leaves before a region that counts is entered if a call is pending, or calls as deep as there can be have no room. */
function leaveForCalls(f: FunctionBuilder, context: Local<'i32'>, label: Label): void {
  f.brIf(label, i32.load(context, COUNTING.pending));
  const deepest = i32.const((CALL_DEPTH + 3) * FRAME.size);
  const top = i32.load(context, COUNTING.top);
  f.brIf(label, i32.gt_u(i32.add(top, deepest), i32.load(context, COUNTING.end)));
}

/** Counts the indirect jump or the return by which a region was left. */
function countArrival(
  { f, context, calls }: { f: FunctionBuilder; context: Local<'i32'>; calls: CallFunctions },
  exit: Local<'i64'>,
  found: Local<'i32'>,
  left: Local<'i32'>,
): void {
  f.if(isReturn(exit), () => {
    const address = i32.and(i32.wrap_i64(exit), i32.const(-2));
    f.do(call(calls.leave, 'void', context, address, left));
  });
  f.if(
    isArrival(exit),
    () => f.if(found, () => f.do(call(calls.arrive, 'void', context, found))),
    () => f.if(i32.eqz(found), () => f.do(i32.store(context, i32.const(1), COUNTING.left))),
  );
}

/** Wraps `body` in one block for each reason; leaving through a reason's label sets `reason`. */
function withExits(
  f: InterpreterState['f'],
  reason: ReturnType<typeof f.local<'i32'>>,
  body: (reasons: ReadonlyMap<number, Label>, finish: Label) => void,
): void {
  const values = Object.values(REASON);
  const labels = new Map<number, Label>();
  f.block((finish) => {
    const nest = (depth: number): void => {
      const value = values[depth];
      if (value === undefined) {
        body(labels, finish);
        return;
      }
      f.block((label) => {
        labels.set(value, label);
        nest(depth + 1);
      });
      f.set(reason, i32.const(value));
      f.br(finish);
    };
    nest(0);
  });
}

/** In the order of `PSEUDO`; none of them counts as an instruction. */
function pseudoHandlers(
  { f, context, record, bound, slow }: InterpreterState,
  reasons: ReadonlyMap<number, Label>,
  next: Label,
): (() => void)[] {
  return [
    () =>
      f.scope((temp) => {
        const found = temp('i32');
        const pc = i64.load32_u(record, RECORD.pc);
        f.set(found, call(slow.lookup, 'i32', context, pc));
        f.brIf(reasons.get(REASON.lookup)!, i32.eqz(found));
        f.set(found, i32.sub(found, record));
        // The next time the way is known; the record changes its meaning only after its operand is there.
        f.do(i32.store(record, found, RECORD.immediate));
        f.do(i32.store16(record, i32.const(PSEUDO.goto), RECORD.operation));
        f.set(bound, i32.add(bound, found));
        f.set(record, i32.add(record, found));
        f.br(next);
      }),
    () => {
      const distance = i32.load(record, RECORD.immediate);
      f.set(bound, i32.add(bound, distance));
      f.set(record, i32.add(record, distance));
      f.br(next);
    },
    () => f.br(reasons.get(REASON.illegal)!),
  ];
}

/** Whether later loads must see what other harts did before: FENCE, LR, SC and AMO. */
export function orders({ name, extension }: Instruction): boolean {
  return extension === 'A' || name === 'fence' || name === 'fence.tso';
}

/**
 * After such an instruction a vCPU takes notice of the lender's newer pages; afterwards, because what it
 * has waited for may have come together with them.
 */
function lookForNews(
  { f, context, record }: Pick<InterpreterState, 'f' | 'context' | 'record'>,
  reasons: ReadonlyMap<number, Label>,
  done: number,
): void {
  const at = (field: number): Expr<'i32'> => i32.load(i32.load(context, field));
  f.if(i32.ne(at(HART.news), at(HART.seen)), () => {
    f.set(record, i32.add(record, i32.const(done)));
    f.br(reasons.get(REASON.news)!);
  });
}

function instructionHandlers(
  state: InterpreterState,
  reasons: ReadonlyMap<number, Label>,
  next: Label,
  dispatch: Label,
  kind: 'run' | 'step',
  variant: InterpreterVariant,
): (() => void)[] {
  const { f, record } = state;
  const Handler = EMITTERS[variant];
  return operations.slice(PSEUDO_COUNT).map((operation: Operation | null) => () => {
    // `step` runs the first instruction of a fused operation; its record has that one's operands.
    const parts = operation!.instructions.slice(0, kind === 'step' ? 1 : undefined);
    let transferred = false;
    f.scope((temp) => {
      parts.forEach((instruction, i) => {
        const emitter = new Handler(state, { reasons, next }, temp, i * RECORD.size);
        instruction.semantics!(emitter);
        transferred = emitter.transferred;
        if (orders(instruction)) lookForNews(state, reasons, (i + 1) * RECORD.size);
      });
    });
    if (transferred) return;
    f.set(record, i32.add(record, i32.const(parts.length * RECORD.size)));
    f.br(dispatch);
  });
}
