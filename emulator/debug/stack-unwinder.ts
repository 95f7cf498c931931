import { rulesAt, type CfaRule, type RegisterRule } from '../elf/dwarf/call-frames';
import { evaluateValue, UnavailableError, type ExpressionContext } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import { signalFrameRegisters } from '../linux/signal-frame';
import type { Hart } from '../multiprocess/hart';
import type { SourceModule, SourceModules } from './source-modules';
import { callerRegisters, type Caller, type UnwindMethod } from './stack-caller';
import { plainContext } from './stack-plain-context';
import { framePointerCaller, isCode, prologueRules } from './stack-fallback';
import { StackMemory } from './stack-memory';
import { FrameRegisters, hartRegisters, RA, SP } from './stack-registers';

/** One activation of a function, or code that a signal has interrupted. */
export interface UnwoundFrame {
  /** Where it will go on. */
  readonly pc: number;
  /** An address inside the instruction that it is at: of a caller the call, which lies before its pc. */
  readonly lookup: number;
  readonly registers: FrameRegisters;
  /** Its canonical frame address: the stack pointer of its caller; undefined when that is not known. */
  readonly cfa: number | undefined;
  /** Whether a signal's handler returns to it. */
  readonly interrupted: boolean;
  /** How its caller was found; undefined for the outermost frame. */
  readonly method: UnwindMethod | undefined;
}

/** Where a frame stands, before its caller is known. */
type Place = Pick<UnwoundFrame, 'pc' | 'lookup' | 'registers'>;

/** `li a7, 139` and `ecall`: the end of a signal handler (arch/riscv/kernel/vdso/rt_sigreturn.S). */
const SIGNAL_RETURN = 0x0000_0073_08b0_0893n;

/** Finds the callers of what a hart executes. It only reads: any hart's, in any address space. */
export class Unwinder {
  constructor(private readonly modules: SourceModules) {}

  /**
   * The frames of a hart, the innermost first. Ends where no caller is known, so at a thread's first
   * function and at the stub that vCPUs return to.
   * @param limit most frames
   */
  frames({ state, space }: Hart, limit: number): UnwoundFrame[] {
    const memory = new StackMemory(space);
    const frames: UnwoundFrame[] = [];
    const { pc } = state;
    let place: Place = { pc, lookup: pc, registers: hartRegisters(state) };
    let interrupted = false;
    let previous: number | undefined;
    while (frames.length < limit) {
      const innermost = frames.length === 0;
      const caller = this.callerOf(place, memory, innermost);
      // A frame that is not above the one before cannot be its caller; only a signal changes the stack.
      const back =
        caller && caller.method !== 'signal' && previous !== undefined && caller.cfa <= previous;
      const end = caller === undefined || back || caller.pc === undefined;
      frames.push({
        ...place,
        interrupted,
        cfa: back ? undefined : caller?.cfa,
        method: end ? undefined : caller.method,
      });
      if (end || caller.pc === undefined || !isCode(memory, caller.pc)) break;
      interrupted = caller.interrupted ?? false;
      previous = caller.method === 'signal' ? undefined : caller.cfa;
      const lookup = interrupted ? caller.pc : caller.pc - 1;
      place = { pc: caller.pc, lookup, registers: caller.registers };
    }
    return frames;
  }

  /**
   * What called the function that a hart is in: where it will go on, and the stack pointer that it has
   * then. Undefined when no caller is known.
   */
  caller(hart: Hart): { readonly pc: number; readonly cfa: number } | undefined {
    const [frame, next] = this.frames(hart, 2);
    return next && frame.cfa !== undefined ? { pc: next.pc, cfa: frame.cfa } : undefined;
  }

  private callerOf(place: Place, memory: StackMemory, innermost: boolean): Caller | undefined {
    const signal = signalCaller(place, memory);
    if (signal) return signal;
    const module = this.modules.at(place.lookup);
    return (
      (module && this.byRules(module, place, memory)) ??
      this.byPrologue(module, place, memory, innermost) ??
      framePointerCaller(place.registers, memory) ??
      (innermost ? linkCaller(place, memory) : undefined)
    );
  }

  /** By the call frame information of the module. */
  private byRules(module: SourceModule, place: Place, memory: StackMemory): Caller | undefined {
    const linked = place.lookup - module.base;
    const description = module.frames.find(linked);
    if (description === undefined) return undefined;
    try {
      const { cfa: rule, registers: rules } = rulesAt(description, linked);
      const context = plainContext(memory, module.base, place.registers);
      const cfa = cfaOf(rule, context);
      const registers = callerRegisters(place.registers, cfa);
      for (const [register, each] of rules) {
        const value = valueOf(each, register, cfa, place.registers, context);
        if (value === undefined) registers.forget(register);
        else registers.set(register, value);
      }
      const { returnRegister, isSignalFrame } = description;
      const returnRule = rules.get(returnRegister);
      // Without a rule the return address is still where the call left it.
      const target = returnRule ? registers : place.registers;
      const pc = target.address(returnRegister);
      if (!returnRule) registers.forget(returnRegister);
      return { pc: endOf(pc), registers, cfa, method: 'cfi', interrupted: isSignalFrame };
    } catch (error) {
      if (error instanceof DwarfError || error instanceof UnavailableError) return undefined;
      throw error;
    }
  }

  /** By what the function's first instructions did to the stack. */
  private byPrologue(
    module: SourceModule | undefined,
    place: Place,
    memory: StackMemory,
    innermost: boolean,
  ): Caller | undefined {
    const start = module?.symbols.functionAt(place.lookup)?.symbol.address;
    if (start === undefined) return undefined;
    const rules = prologueRules(memory, start, innermost ? place.pc : place.lookup);
    const sp = rules && place.registers.address(rules.base);
    if (rules === undefined || sp === undefined) return undefined;
    const cfa = sp + rules.size;
    const registers = callerRegisters(place.registers, cfa);
    for (const [register, offset] of rules.saved) {
      const value = memory.number(cfa + offset, 8);
      if (value !== undefined) registers.set(register, value);
    }
    const saved = rules.saved.has(RA);
    if (!saved && !innermost) return undefined;
    const pc = (saved ? registers : place.registers).address(RA);
    if (!saved) registers.forget(RA);
    return { pc: endOf(pc), registers, cfa, method: 'prologue' };
  }
}

/** A return address of 0 ends a stack: the first function of a thread has it. */
const endOf = (pc: number | undefined): number | undefined => (pc === 0 ? undefined : pc);

function signalCaller({ pc, registers }: Place, memory: StackMemory): Caller | undefined {
  if (memory.number(pc, 8) !== SIGNAL_RETURN) return undefined;
  const sp = registers.address(SP);
  const saved = sp === undefined ? undefined : signalFrameRegisters(sp, memory);
  if (sp === undefined || saved === undefined) return undefined;
  const interrupted = new FrameRegisters();
  for (const [register, value] of saved.registers) interrupted.set(register, value);
  return { pc: saved.pc, registers: interrupted, cfa: sp, method: 'signal', interrupted: true };
}

/** Before a function has a frame, ra holds where it was called from. */
function linkCaller({ registers }: Place, memory: StackMemory): Caller | undefined {
  const pc = registers.address(RA);
  const cfa = registers.address(SP);
  if (pc === undefined || cfa === undefined || !isCode(memory, pc)) return undefined;
  const caller = callerRegisters(registers, cfa);
  return { pc: endOf(pc), registers: caller, cfa, method: 'link-register' };
}

function cfaOf(rule: CfaRule, context: ExpressionContext): number {
  const value =
    rule.kind === 'register'
      ? context.register(rule.register) + BigInt(rule.offset)
      : evaluateValue(rule.expression, context);
  return Number(BigInt.asUintN(64, value));
}

function valueOf(
  rule: RegisterRule,
  register: number,
  cfa: number,
  callee: FrameRegisters,
  context: ExpressionContext,
): bigint | undefined {
  switch (rule.kind) {
    case 'undefined':
      return undefined;
    case 'same':
      return callee.get(register);
    case 'offset':
      return context.memory(BigInt(cfa + rule.offset), 8);
    case 'value-offset':
      return BigInt(cfa + rule.offset);
    case 'register':
      return callee.get(rule.register);
    case 'expression':
      return context.memory(evaluateValue(rule.expression, context, BigInt(cfa)), 8);
    case 'value-expression':
      return evaluateValue(rule.expression, context, BigInt(cfa));
  }
}
