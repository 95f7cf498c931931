import { OutOfMemory } from '../memory/errors';
import { READ, WRITE, type AddressSpace } from '../memory/address-space';
import { ADDRESS_LIMIT, HART, PAGE_SIZE } from '../memory/layout';
import type { Mode, Options } from './abi';
import type { Hart, StackRange } from './hart';
import { Vcpu, type Task, type VcpuStatus } from './task';

/** What starting a vCPU needs of the machine. */
export interface VcpuHost {
  /**
   * A hart of the caller's process in `space` on a stack; undefined when the arena has no context left.
   * @param index of a context that was allocated for it [the lowest free one]
   */
  createHart(
    space: AddressSpace,
    stack: StackRange,
    caller: Hart,
    index?: number,
  ): Hart | undefined;
}

export interface VcpuStart {
  readonly task: Task;
  /** Number in the task, from 1. */
  readonly id: number;
  readonly options: Options;
  /** Of the task's block of hart contexts; undefined when there was none so large: any free context will do. */
  readonly index?: number;
  /** The caller's stack. */
  readonly stack: StackRange;
  /** Nothing else runs in the caller's space. */
  readonly alone: boolean;
  /** Mode `call`: where the stacks of the host's making lie; each vCPU has its own there. */
  readonly privateStack?: StackRange;
}

/**
 * Where ra of a vCPU points that has no caller on its stack: behind the guest's 4 GiB, so that returning
 * there is a fault that can mean nothing else.
 */
export const EXIT_STUB = ADDRESS_LIMIT;

/** The host makes the stacks of `call` mode of this size when the guest names none. */
const DEFAULT_STACK_BYTES = 512 * 1024;
const A0 = 10;
const A1 = 11;
const RA = 1;
const SP = 2;
const ECALL_BYTES = 4;

const NOT_STARTED: VcpuStatus = {
  reason: 'not-started',
  pc: 0,
  address: 0,
  exitCode: 0,
  instructions: 0,
};

/** Makes one vCPU of a task, ready to run. One that cannot start has ended as `not-started`. */
export function startVcpu(host: VcpuHost, start: VcpuStart): Vcpu {
  const { task, id, options } = start;
  const space = makeSpace(start);
  const { index } = start;
  if (!space && index !== undefined) task.owner.space.arena.freeHart(index);
  const hart = space && host.createHart(space, stackRange(start), task.owner, index);
  const vcpu = new Vcpu(task, id, options.limit, hart);
  if (!hart) {
    if (space && space !== task.owner.space) space.destroy();
    vcpu.status = NOT_STARTED;
    return vcpu;
  }
  hart.vcpu = vcpu;
  copyRegisters(task.owner, hart);
  START_STATES[options.mode](hart, start);
  if (options.mode === 'workspace') hart.state.setField(HART.virtualTime, 1);
  hart.startSp = hart.state.xNumber(SP);
  return vcpu;
}

/** The stack that a vCPU is on. */
function stackRange({ id, options, stack, privateStack }: VcpuStart): StackRange {
  if (options.mode === 'fork-here' || options.mode === 'workspace') return stack;
  if (options.mode === 'call') return privateStack ?? stack;
  const top = options.stackBase + options.stackSize * id;
  return {
    bottom: Math.floor((top - options.stackSize) / PAGE_SIZE) * PAGE_SIZE,
    top: Math.ceil(top / PAGE_SIZE) * PAGE_SIZE,
  };
}

/** The space that a vCPU runs in; undefined when there is no room for one. */
function makeSpace({
  task,
  options,
  stack,
  alone,
  privateStack,
}: VcpuStart): AddressSpace | undefined {
  const { space } = task.owner;
  try {
    switch (options.mode) {
      case 'shared':
        return space;
      case 'fork':
        return space.forkLoan();
      case 'call':
        return privateStack && withStack(space, privateStack);
      case 'fork-here':
        // The caller waits, so it may keep its own rights to write meanwhile.
        return space.forkLoan({ privateRange: pagesOf(stack), keepWrites: alone });
      case 'workspace':
        return space.fork();
    }
  } catch (error) {
    if (error instanceof OutOfMemory) return undefined;
    throw error;
  }
}

/** A fork with a stack of its own and a guard page below it. */
function withStack(parent: AddressSpace, stack: StackRange): AddressSpace {
  const guard = stack.bottom - PAGE_SIZE;
  const space = parent.forkLoan({ privateRange: pagesOf({ bottom: guard, top: stack.top }) });
  space.map(guard, PAGE_SIZE, 0, { guard: true });
  space.map(stack.bottom, stack.top - stack.bottom, READ | WRITE);
  return space;
}

/** A free place in `space` for the stacks of mode `call`; undefined when there is none. */
export function placeStack(space: AddressSpace, bytes: number): StackRange | undefined {
  const size = Math.ceil((bytes || DEFAULT_STACK_BYTES) / PAGE_SIZE) * PAGE_SIZE;
  const gap = space.findGap(size + PAGE_SIZE, PAGE_SIZE, ADDRESS_LIMIT - PAGE_SIZE);
  return gap === 0 ? undefined : { bottom: gap + PAGE_SIZE, top: gap + PAGE_SIZE + size };
}

function pagesOf({ bottom, top }: StackRange): readonly [number, number] {
  return [bottom / PAGE_SIZE, top / PAGE_SIZE];
}

/** Everything but the counters and the place in the arena is the caller's. */
export function copyRegisters(from: Hart, to: Hart): void {
  from.space.arena.bulk.copy(to.state.base, from.state.base, HART.instret);
  to.state.fcsr = from.state.fcsr;
  to.state.setField(HART.virtualTime, from.state.field(HART.virtualTime));
  to.state.instret = 0;
  to.state.clearReservation();
}

type StartState = (hart: Hart, start: VcpuStart) => void;

/** The registers that differ from the caller's, by mode (docs/multiprocess.md, start states). */
const START_STATES: Record<Mode, StartState> = {
  shared: inFunctionOnSlot,
  fork: onSlot,
  call: onPrivateStack,
  'fork-here': atEcall,
  workspace: atEcall,
};

/** Behind the ecall with the task's number in a0, everything else as the caller has it. */
function atEcall({ state }: Hart, { task, id }: VcpuStart): void {
  state.pc = task.owner.state.pc + ECALL_BYTES;
  if (task.plain) {
    state.setXNumber(A0, id);
  } else {
    // multiprocess_start tells a vCPU by 0 from the caller, who gets the task's id.
    state.setXNumber(A0, 0);
    state.setXNumber(A1, id);
  }
}

/** The same on the id's slot of the stacks that the guest gives; nobody to return to is on it. */
function onSlot(hart: Hart, start: VcpuStart): void {
  atEcall(hart, start);
  useSlot(hart, start);
}

function inFunctionOnSlot(hart: Hart, start: VcpuStart): void {
  inFunction(hart, start);
  useSlot(hart, start);
}

/** In the function itself, on a stack of the host's making with a guard page below. */
function onPrivateStack(hart: Hart, start: VcpuStart): void {
  inFunction(hart, start);
  hart.state.setXNumber(SP, start.privateStack?.top ?? 0);
}

function useSlot({ state }: Hart, { id, options }: VcpuStart): void {
  const top = BigInt(options.stackBase) + BigInt(options.stackSize) * BigInt(id);
  state.setX(SP, BigInt.asUintN(64, top) & ~15n);
  state.setXNumber(RA, EXIT_STUB);
}

function inFunction({ state }: Hart, { id, options }: VcpuStart): void {
  state.pc = options.function;
  state.setXNumber(A0, id - 1);
  state.setX(A1, options.data);
  state.setXNumber(RA, EXIT_STUB);
}
