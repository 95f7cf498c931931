import type { AddressRange } from '../elf/dwarf/ranges';
import { PLT_SUFFIX } from '../elf/plt';
import type { AddressSpace } from '../memory/address-space';
import type { Hart } from '../multiprocess/hart';
import { fetchInstruction, isCall } from './fetch';
import { runTo, stepOut, type Goal } from './goals';
import { sourceOf, type SourceDebugger } from './source-debugger';
import { functionsOf, symbolsNamed } from './scope';
import type { DebugTarget } from './target';

/** Where a step by lines began. */
interface Start {
  readonly hart: Hart;
  /** Canonical frame address of its function; undefined when that is not known. */
  readonly cfa: number | undefined;
  /** How many inlined functions it was in. */
  readonly inlined: number;
  /** Into functions that have lines. */
  readonly into: boolean;
}

/** How control leaves some instructions. */
interface Exits {
  /** Addresses outside, where a jump, a branch or the next instruction leads. */
  readonly addresses: readonly number[];
  readonly calls: ReadonlySet<number>;
  /** Returns and jumps through registers. */
  readonly indirect: ReadonlySet<number>;
}

/** Goals of steps by source lines. */
export class LineGoals {
  constructor(private readonly target: DebugTarget) {}

  private source(hart: Hart): SourceDebugger {
    return sourceOf(this.target, hart);
  }

  /**
   * To the next line of the function, of its caller, or of a function that the line calls. From code
   * without lines out to code that has some.
   */
  step(hart: Hart, into: boolean): Goal {
    const { lookup } = this.source(hart);
    const { pc } = hart.state;
    const ranges = lookup.rangesOfLine(pc);
    if (ranges.length === 0) return this.outToLines(hart);
    const inlined = lookup.inlinedRanges(pc).length;
    return this.leaving({ hart, cfa: this.cfa(hart), inlined, into }, ranges);
  }

  /** Out of the function that a hart is in, which may be inlined. */
  out(hart: Hart): Goal {
    const inlined = this.source(hart).lookup.inlinedRanges(hart.state.pc);
    const innermost = inlined.at(-1);
    if (!innermost) return this.outOfFunction(hart);
    const start = { hart, cfa: this.cfa(hart), inlined: inlined.length - 1, into: false };
    return this.leaving(start, innermost);
  }

  /** The frame that a hart is in. */
  cfa(hart: Hart): number | undefined {
    return this.source(hart).unwinder.frames(hart, 1)[0]?.cfa;
  }

  /** Whether a hart is in a frame, or in something that it has called through few others. */
  isWithin(hart: Hart, cfa: number | undefined): boolean {
    const frames = this.source(hart).unwinder.frames(hart, MOST_CALLERS + 1);
    return frames.some((frame) => frame.cfa === cfa);
  }

  private outOfFunction(hart: Hart): Goal {
    const caller = this.source(hart).unwinder.caller(hart);
    if (!caller) return stepOut(hart, functionsOf(this.target, hart));
    return {
      addresses: [caller.pc],
      arrived: () => (hart.state.xNumber(SP) >= caller.cfa ? 'done' : 'pass'),
    };
  }

  /** Out of functions that have no lines. */
  private outToLines(hart: Hart): Goal {
    const out = this.outOfFunction(hart);
    return {
      ...out,
      arrived: () => (out.arrived() === 'done' ? 'next' : out.arrived()),
      left: () => {
        const further = out.left?.();
        if (further) return further;
        const { pc } = hart.state;
        const isKnown = this.source(hart).lookup.lineAt(pc) !== undefined;
        return isKnown || !this.source(hart).unwinder.caller(hart)
          ? undefined
          : this.outToLines(hart);
      },
    };
  }

  /** Out of some instructions of the frame that the step began in. */
  private leaving(start: Start, ranges: readonly AddressRange[]): Goal {
    const { hart, cfa, into } = start;
    const { state, space } = hart;
    const exits = exitsOf(space, ranges);
    const goal: Goal = {
      addresses: [...exits.addresses, ...exits.indirect, ...(into ? exits.calls : [])],
      fromStart: true,
      arrived: () => {
        const now = this.cfa(hart);
        if (now !== cfa && now !== undefined && cfa !== undefined) {
          // A deeper call of the same function, or a caller that was reached by longjmp.
          return now < cfa ? 'pass' : 'done';
        }
        return exits.indirect.has(state.pc) || exits.calls.has(state.pc) ? 'leave' : 'next';
      },
      left: () => (isIn(ranges, state.pc) ? goal : this.outside(start, goal)),
    };
    return goal;
  }

  /** The hart has left the instructions of `goal`; undefined: here the step ends. */
  private outside(start: Start, goal: Goal): Goal | undefined {
    const { hart, cfa, inlined, into } = start;
    const { lookup } = this.source(hart);
    const { pc } = hart.state;
    const now = this.cfa(hart);
    const place = lookup.lineAt(pc);
    if (this.isEntry(hart)) return this.inCallee(start, goal, place !== undefined, now);
    if (cfa !== undefined && now !== undefined && now > cfa) {
      return place ? undefined : this.outToLines(hart);
    }
    if (!place) return this.outToLines(hart);
    const deeper = into ? undefined : lookup.inlinedRanges(pc)[inlined];
    if (deeper) return this.leaving(start, deeper);
    // In the middle of a line, or code of no line: to where one begins.
    if (pc === place.start && place.isStatement && place.line > 0) return undefined;
    const rest = lookup.rangesOfLine(pc);
    return this.leaving(start, rest.length > 0 ? rest : [place]);
  }

  /** At a function's first instruction: it was called, or jumped to as the caller's last act. */
  private inCallee(
    { hart, cfa, into }: Start,
    goal: Goal,
    hasLines: boolean,
    now: number | undefined,
  ): Goal | undefined {
    const { pc } = hart.state;
    if (into && hasLines) {
      const body = this.source(hart).lookup.bodyStart(pc) ?? pc;
      return body === pc ? undefined : runTo([body]);
    }
    const bodies = into ? this.behindStub(hart) : [];
    if (bodies.length > 0) {
      const addresses = [...bodies, ...goal.addresses];
      return {
        ...goal,
        addresses,
        arrived: () => (bodies.includes(hart.state.pc) ? 'done' : goal.arrived()),
      };
    }
    const isTail = cfa !== undefined && now !== undefined && now >= cfa;
    return isTail ? this.outToLines(hart) : goal;
  }

  /**
   * At a stub of the procedure linkage table: where functions of that name that have lines begin their work. The
   * dynamic linker may have to find the function first, which is no step of the user's.
   */
  private behindStub(hart: Hart): number[] {
    const name = functionsOf(this.target, hart).functionAt(hart.state.pc)?.symbol.name;
    if (name?.endsWith(PLT_SUFFIX) !== true) return [];
    const { lookup } = this.source(hart);
    return symbolsNamed(this.target, hart, name.slice(0, -PLT_SUFFIX.length)).flatMap(
      ({ address }) => (lookup.lineAt(address) ? (lookup.bodyStart(address) ?? address) : []),
    );
  }

  private isEntry(hart: Hart): boolean {
    return functionsOf(this.target, hart).functionAt(hart.state.pc)?.offset === 0;
  }
}

const SP = 2;
/** Functions between a call that starts vCPUs and the ecall itself. */
const MOST_CALLERS = 3;

const isIn = (ranges: readonly AddressRange[], address: number): boolean =>
  ranges.some(({ start, end }) => address >= start && address < end);

/** How control leaves the instructions of some ranges. */
function exitsOf(space: AddressSpace, ranges: readonly AddressRange[]): Exits {
  const addresses = new Set<number>();
  const calls = new Set<number>();
  const indirect = new Set<number>();
  for (const { start, end } of ranges) {
    for (let at = start; at < end;) {
      const decoded = fetchInstruction(space, at);
      if (!decoded) break;
      const { control } = decoded.instruction;
      if (isCall(decoded)) calls.add(at);
      else if (control === 'indirect') indirect.add(at);
      else if (control === 'jump' || control === 'branch') addresses.add(at + decoded.imm);
      at += decoded.length;
    }
    addresses.add(end);
  }
  return {
    addresses: [...addresses].filter((address) => !isIn(ranges, address)),
    calls,
    indirect,
  };
}
