import { describeAddress } from '../elf/symbols';
import { ExpressionError, parseExpression, type Expression } from './expression';
import { locate } from './location';
import type { Hart } from '../multiprocess/hart';
import type { Breakpoint, BreakpointSpec } from './protocol';
import { targetScope } from './scope';
import type { DebugTarget } from './target';

/** A breakpoint with what its texts mean for the program that is open. */
interface Entry {
  readonly id: number;
  spec: BreakpointSpec;
  hits: number;
  address?: number;
  condition?: Expression;
  problem?: string;
}

/** What happened at an address where breakpoints lie. */
export interface BreakpointHit {
  readonly id: number;
  /** Why the condition could not be evaluated: it stops then, so that nobody waits in vain. */
  readonly problem?: string;
}

/**
 * The user's breakpoints, and the temporary ones of steps. They outlive the program: opening or
 * restarting one resolves them anew.
 */
export class BreakpointTable {
  private readonly entries = new Map<number, Entry>();
  /** How many want a stop at an address. */
  private readonly planted = new Map<number, number>();
  private target: DebugTarget | undefined;
  private nextId = 1;

  /** Resolves all breakpoints for a program that has just been loaded. */
  attach(target: DebugTarget): void {
    this.target = target;
    this.planted.clear();
    for (const entry of this.entries.values()) {
      entry.hits = 0;
      entry.address = undefined;
      this.resolve(entry);
    }
  }

  list(): Breakpoint[] {
    return [...this.entries.values()].map((entry) => this.describe(entry));
  }

  add(spec: BreakpointSpec): Breakpoint {
    const entry: Entry = { id: this.nextId++, spec, hits: 0 };
    this.entries.set(entry.id, entry);
    this.resolve(entry);
    return this.describe(entry);
  }

  /** @throws Error when there is no breakpoint of that number */
  update(id: number, spec: BreakpointSpec): Breakpoint {
    const entry = this.find(id);
    this.withdraw(entry);
    entry.spec = spec;
    this.resolve(entry);
    return this.describe(entry);
  }

  /** @throws Error when there is no breakpoint of that number */
  remove(id: number): void {
    this.withdraw(this.find(id));
    this.entries.delete(id);
  }

  /** Stops at these addresses until the returned function is called. */
  plantTemporarily(addresses: readonly number[]): () => void {
    for (const address of addresses) this.plant(address);
    return () => {
      for (const address of addresses) this.unplant(address);
    };
  }

  /** Counts a stop at `address`; the breakpoint that wants it, if one does. */
  hit(address: number, hart: Hart): BreakpointHit | undefined {
    for (const entry of this.entries.values()) {
      if (entry.address !== address || !entry.spec.enabled) continue;
      const met = this.conditionMet(entry, hart);
      if (typeof met === 'string') return { id: entry.id, problem: met };
      if (!met) continue;
      entry.hits += 1;
      if (entry.hits >= (entry.spec.hitCount ?? 1)) return { id: entry.id };
    }
    return undefined;
  }

  private conditionMet(entry: Entry, hart: Hart): boolean | string {
    if (!entry.condition || !this.target) return true;
    try {
      return entry.condition(targetScope(this.target, hart)) !== 0n;
    } catch (error) {
      if (error instanceof ExpressionError) {
        return `The condition of breakpoint ${entry.id} cannot be evaluated: ${error.message}.`;
      }
      throw error;
    }
  }

  private find(id: number): Entry {
    const entry = this.entries.get(id);
    if (!entry) throw new Error(`There is no breakpoint ${id}.`);
    return entry;
  }

  /** Reads the texts of a breakpoint; what is wrong with them becomes its problem. */
  private resolve(entry: Entry): void {
    entry.problem = undefined;
    entry.condition = undefined;
    const { target } = this;
    try {
      const { condition } = entry.spec;
      if (condition !== undefined && condition.trim() !== '') {
        entry.condition = parseExpression(condition);
      }
      if (!target) return;
      entry.address = addressOf(target, entry.spec.at);
      if (entry.spec.enabled) this.plant(entry.address);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      entry.problem = error.message;
    }
  }

  private withdraw(entry: Entry): void {
    if (entry.address !== undefined && entry.spec.enabled) this.unplant(entry.address);
    entry.address = undefined;
  }

  private plant(address: number): void {
    const count = this.planted.get(address) ?? 0;
    this.planted.set(address, count + 1);
    if (count === 0) this.target?.code.setBreakpoint(address);
  }

  private unplant(address: number): void {
    const count = this.planted.get(address) ?? 0;
    if (count > 1) {
      this.planted.set(address, count - 1);
      return;
    }
    this.planted.delete(address);
    if (count === 1) this.target?.code.clearBreakpoint(address);
  }

  private describe({ id, spec, hits, address, problem }: Entry): Breakpoint {
    const { target } = this;
    return {
      ...spec,
      id,
      hits,
      ...(target && address !== undefined && { location: locate(target.symbols, address) }),
      ...(problem !== undefined && { problem }),
    };
  }
}

/**
 * The address that a breakpoint's place names.
 * @throws ExpressionError when it names none, or no instruction can lie there
 */
function addressOf(target: DebugTarget, at: string): number {
  const value = BigInt.asUintN(64, parseExpression(at)(targetScope(target, target.liveHarts[0])));
  if (value >= 1n << 32n) throw new ExpressionError(`0x${value.toString(16)} is above 4 GiB`);
  const address = Number(value);
  if (address % 2 !== 0)
    throw new ExpressionError(`0x${address.toString(16)} is odd: no instruction`);
  if (target.liveHarts[0].space.peek(address, 2).length < 2) {
    throw new ExpressionError(`nothing is mapped at ${describeAddress(target.symbols, address)}`);
  }
  return address;
}
