import { decode } from '../../isa/decoder';
import { isLink } from '../counting-layout';
import {
  edgesOf,
  REGION_LIMIT,
  SWITCH,
  type Block,
  type Edge,
  type Item,
  type Region,
  type RegionSource,
  type Terminator,
} from './region';
import { traitsOf } from './traits';

/** A function with at most so many instructions is inlined where it is called. */
const INLINE_LIMIT = 32;
/** The part of a region that inlined functions may be. */
const INLINE_PART = 1 / 2;
/** Calls that are inlined inside of each other. */
const INLINE_DEPTH = 3;
const ADDRESS_BITS = 32;
/** The fewest targets that a switch is made for. */
const LEAST_TARGETS = 2;
/** So far from a case of a switch an indirect jump is looked for, in instructions. */
const CASE_LIMIT = 400;
const SP = 2;

export interface DiscoveryOptions {
  /** The most instructions [REGION_LIMIT]. */
  readonly limit?: number;
  /** Whether code that control has not been at is left out, where jumps and branches lead to it [false]. */
  readonly onlyReached?: boolean;
  /** Whether small functions are inlined [true]. */
  readonly inlines?: boolean;
  /**
   * Where indirect jumps lead to, the most usual ones first: the region begins with a switch that leads to them, and
   * is entered at each [it begins at its entry].
   */
  readonly targets?: readonly number[];
}

/** The code of a function in a region: of the one that it is entered in, or of a call that is inlined. */
interface Frame {
  readonly id: number;
  readonly depth: number;
  /** The address that the function is called by. */
  readonly target: number;
  /** Where it returns to, as far as that is known. */
  readonly next: Place | undefined;
  /** Of the stub of a function that is not inlined: it ends with a call. */
  readonly isStub: boolean;
}

/** An instruction's address, and which of the functions in a region it is part of. */
interface Place {
  readonly pc: number;
  readonly frame: Frame;
}

const keyOf = ({ pc, frame }: Place): number => frame.id * 2 ** ADDRESS_BITS + pc;

/** What control does after an instruction. */
type Flow =
  | { readonly kind: 'on' }
  | { readonly kind: 'jump'; readonly target: Place }
  | { readonly kind: 'branch'; readonly target: Place; readonly fall: Place }
  | {
      readonly kind: 'call';
      readonly target: number | undefined;
      readonly guess?: number;
      readonly next: Place;
    }
  | { readonly kind: 'indirect'; readonly guesses: readonly Place[]; readonly via?: Place };

const after = ({ pc, decoded }: Item): number => pc + decoded.length;

/**
 * Finds the code that control can get to from `entry` without an indirect jump or a call, nearest first, and
 * cuts it into basic blocks. The first block is the entry's. Small functions are inlined: their code is part of the region
 * once for each call, and where they return to is looked at as the likely target.
 * @returns undefined when not even the first instruction can be translated, or what should have a switch has no need of one
 */
export function discoverRegion(
  source: RegionSource,
  entry: number,
  options: DiscoveryOptions = {},
): Region | undefined {
  const { limit = REGION_LIMIT, onlyReached = false, inlines = true, targets = [] } = options;
  return new Discovery(source, { limit, onlyReached, inlines, targets }, entry).region();
}

class Discovery {
  private readonly items = new Map<number, Item>();
  private readonly leaders = new Map<number, Place>();
  private readonly flows = new Map<number, Flow>();
  /** How many instructions a function has that is small enough to be inlined, else 0. */
  private readonly sizes = new Map<number, number>();
  private readonly root: Frame;
  private frames = 1;
  private inlined = 0;

  constructor(
    private readonly source: RegionSource,
    private readonly options: Required<DiscoveryOptions>,
    private readonly entry: number,
  ) {
    this.root = { id: 0, depth: 0, target: entry, next: undefined, isStub: false };
  }

  region(): Region | undefined {
    const { items, leaders, root, entry } = this;
    const { limit } = this.options;
    const targets = this.switchTargets();
    const starts = targets.length > 0 ? targets : [entry];
    const queue = starts.map((pc): Place => ({ pc, frame: root }));
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      leaders.set(keyOf(next), next);
      const { frame } = next;
      for (let { pc } = next; items.size < limit;) {
        const place = { pc, frame };
        const key = keyOf(place);
        if (items.has(key)) {
          leaders.set(key, place);
          break;
        }
        const item = itemAt(this.source, pc);
        if (!item) break;
        items.set(key, item);
        const flow = this.flowAt(item, frame);
        if (flow.kind !== 'on') {
          queue.push(...placesOf(flow).filter((place) => this.isWanted(place.pc)));
          break;
        }
        pc = after(item);
      }
    }
    if (this.options.targets.length > 0) {
      const entries = targets.filter((pc) => items.has(pc));
      if (entries.length < LEAST_TARGETS) return undefined;
      return { ...this.build(entries), isCut: items.size >= limit };
    }
    if (!items.has(entry)) return undefined;
    return { ...this.build(), isCut: items.size >= limit };
  }

  /** Of the targets those from which control gets to an indirect jump: functions, which return, are no cases of a switch. */
  private switchTargets(): number[] {
    return this.options.targets.filter((pc) => this.isWanted(pc) && this.leadsToJump(pc));
  }

  /** Whether control may get from `target` to an indirect jump of the same function. */
  private leadsToJump(target: number): boolean {
    const seen = new Set<number>();
    const queue = [target];
    for (let pc = queue.shift(); pc !== undefined; pc = queue.shift()) {
      while (!seen.has(pc) && this.isWanted(pc) && seen.size < CASE_LIMIT) {
        const item = itemAt(this.source, pc);
        if (!item || (pc === target && opensFrame(item))) break;
        seen.add(pc);
        const { decoded } = item;
        const { control } = decoded.instruction;
        const isCall = isLink(decoded.rd);
        if (control === 'indirect' && !isCall) {
          if (!isLink(decoded.rs1) && this.stubTarget(pc - STUB_JUMP) === undefined) return true;
          break;
        }
        const to = (pc + decoded.imm) >>> 0;
        if (control === 'branch' || (control === 'jump' && !isCall)) queue.push(to);
        if (control === 'jump' && !isCall) break;
        pc = after(item);
      }
    }
    return false;
  }

  private isWanted(pc: number): boolean {
    return !this.options.onlyReached || this.source.isReached(pc);
  }

  /** The same whenever it is asked for. */
  private flowAt(item: Item, frame: Frame): Flow {
    const key = keyOf({ pc: item.pc, frame });
    let flow = this.flows.get(key);
    if (!flow) this.flows.set(key, (flow = this.findFlow(item, frame)));
    return flow;
  }

  private findFlow(item: Item, frame: Frame): Flow {
    const { decoded, pc } = item;
    const target = { pc: (pc + decoded.imm) >>> 0, frame };
    const next = { pc: after(item), frame };
    const isCall = isLink(decoded.rd);
    switch (decoded.instruction.control) {
      case 'branch':
        return { kind: 'branch', target, fall: next };
      case 'jump':
        return isCall ? this.call(target.pc, next) : { kind: 'jump', target };
      case 'indirect':
        if (isCall) return { kind: 'call', target: undefined, next };
        return this.indirect(item, frame);
      default:
        return { kind: 'on' };
    }
  }

  private call(target: number, next: Place): Flow {
    const callee = this.stubTarget(target);
    const { depth } = next.frame;
    const size = depth < INLINE_DEPTH ? this.sizeOf(callee ?? target) : 0;
    const isInlined = size > 0 && this.inlined + size <= this.options.limit * INLINE_PART;
    if (!this.options.inlines || (!isInlined && callee === undefined)) {
      return { kind: 'call', target, next };
    }
    if (isInlined) this.inlined += size;
    const id = this.frames++;
    const frame = { id, depth: depth + 1, target, next, isStub: !isInlined };
    return { kind: 'jump', target: { pc: target, frame } };
  }

  /** A jump to an address in a register. */
  private indirect({ pc, decoded }: Item, frame: Frame): Flow {
    const { next } = frame;
    if (isLink(decoded.rs1)) return { kind: 'indirect', guesses: next ? [next] : [] };
    const callee = this.options.inlines ? this.stubTarget(pc - STUB_JUMP) : undefined;
    if (callee === undefined) {
      const isSwitch = frame === this.root && this.options.targets.length > 0;
      return { kind: 'indirect', guesses: [], ...(isSwitch && { via: { pc: SWITCH, frame } }) };
    }
    if (frame.isStub && next) return { kind: 'call', target: undefined, guess: callee, next };
    return { kind: 'indirect', guesses: [{ pc: callee, frame }] };
  }

  /**
   * Where the stub at `pc` leads just now, through which functions of other objects are called (psABI, "Procedure Linkage
   * Table"): `auipc t3; ld t3; jalr t1, t3`, the address from a table that the dynamic linker fills in.
   */
  private stubTarget(pc: number): number | undefined {
    const [upper, load, jump] = [0, 4, STUB_JUMP].map(
      (at) => itemAt(this.source, pc + at)?.decoded,
    );
    if (upper?.instruction.name !== 'auipc' || load?.instruction.name !== 'ld') return undefined;
    if (jump?.instruction.name !== 'jalr' || isLink(jump.rd) || jump.imm !== 0) return undefined;
    if (load.rs1 !== upper.rd || jump.rs1 !== load.rd) return undefined;
    const target = this.source.data((pc + upper.imm + load.imm) >>> 0);
    if (target === undefined || target >= 2n ** BigInt(ADDRESS_BITS)) return undefined;
    return target === 0n || Number(target) % 2 !== 0 ? undefined : Number(target);
  }

  private sizeOf(target: number): number {
    let size = this.sizes.get(target);
    if (size === undefined) this.sizes.set(target, (size = this.measure(target)));
    return size;
  }

  /** The instructions of a function without those that it calls; 0 when there are too many, or some cannot be translated. */
  private measure(target: number): number {
    const seen = new Set<number>();
    const queue = [target];
    for (let pc = queue.pop(); pc !== undefined; pc = queue.pop()) {
      while (!seen.has(pc) && this.isWanted(pc)) {
        const item = itemAt(this.source, pc);
        if (!item || seen.size === INLINE_LIMIT) return 0;
        seen.add(pc);
        const { control } = item.decoded.instruction;
        const isCall = isLink(item.decoded.rd);
        const to = (pc + item.decoded.imm) >>> 0;
        if (control === 'branch' || (control === 'jump' && !isCall)) queue.push(to);
        if ((control === 'jump' || control === 'indirect') && !isCall) break;
        pc = after(item);
      }
    }
    return seen.size;
  }

  /** @param targets of the switch that the region begins with */
  private build(targets: readonly number[] = []): Omit<Region, 'isCut'> {
    const { source, items, leaders, root, entry } = this;
    const blocks = new Map<number, Block>();
    const calls = new Set<number>();
    const places = new Map<Edge, number>();
    const edge = (place: Place): Edge => {
      const made: Edge = { pc: place.pc, to: undefined };
      places.set(made, keyOf(place));
      return made;
    };
    const starts = [...leaders].filter(([key]) => key === entry || items.has(key));
    for (const [key, { pc: start, frame }] of starts) {
      const list: Item[] = [];
      let terminator: Terminator | undefined;
      for (let pc = start; !terminator;) {
        const place = { pc, frame };
        const item = items.get(keyOf(place));
        if (!item) {
          // Beyond the limit the code goes on; anything else is not for translation.
          terminator = itemAt(source, pc)
            ? { kind: 'jump', edge: edge(place) }
            : { kind: 'stop', pc };
          break;
        }
        list.push(item);
        pc = after(item);
        const flow = this.flowAt(item, frame);
        if (flow.kind !== 'on') terminator = terminatorOf(flow, edge);
        else if (leaders.has(keyOf({ pc, frame }))) {
          terminator = { kind: 'jump', edge: edge({ pc, frame }) };
        }
        if (flow.kind === 'call') {
          const target = flow.target ?? flow.guess;
          if (target !== undefined) calls.add(target);
        }
      }
      blocks.set(key, { pc: start, items: list, terminator, isOutermost: frame === root });
    }
    if (targets.length > 0) {
      const edges = targets.map((pc) => edge({ pc, frame: root }));
      const terminator: Terminator = { kind: 'switch', targets: edges };
      blocks.set(SWITCH, { pc: SWITCH, items: [], terminator });
    }
    for (const block of blocks.values()) {
      for (const out of edgesOf(block)) out.to = blocks.get(places.get(out)!);
    }
    const first = blocks.get(targets.length > 0 ? SWITCH : entry)!;
    const others = [...blocks.values()].filter((block) => block !== first);
    const entries = targets.length > 0 ? targets : [entry];
    return { entries, blocks: [first, ...others], instructions: items.size, calls: [...calls] };
  }
}

/** Where control may get to in the region. */
function placesOf(flow: Flow): readonly Place[] {
  switch (flow.kind) {
    case 'jump':
      return [flow.target];
    case 'branch':
      return [flow.target, flow.fall];
    case 'call':
      return [flow.next];
    case 'indirect':
      return flow.guesses;
    case 'on':
      return [];
  }
}

function terminatorOf(
  flow: Exclude<Flow, { kind: 'on' }>,
  edge: (place: Place) => Edge,
): Terminator {
  switch (flow.kind) {
    case 'jump':
      return { kind: 'jump', edge: edge(flow.target) };
    case 'branch':
      return { kind: 'branch', taken: edge(flow.target), fall: edge(flow.fall) };
    case 'call': {
      const { target, guess, next } = flow;
      return { kind: 'call', target, ...(guess !== undefined && { guess }), next: edge(next) };
    }
    case 'indirect':
      return {
        kind: 'indirect',
        guesses: flow.guesses.map(edge),
        ...(flow.via && { via: edge(flow.via) }),
      };
  }
}

/** Whether an instruction makes room on the stack, as a function does that begins with it. */
const opensFrame = ({ decoded: { instruction, rd, rs1, imm } }: Item): boolean =>
  instruction.name === 'addi' && rd === SP && rs1 === SP && imm < 0;

/** Bytes from the beginning of a stub to its jump. */
const STUB_JUMP = 8;

/** The instruction at `pc`, unless the interpreter must run it. */
function itemAt(source: RegionSource, pc: number): Item | undefined {
  if (source.isBreakpoint(pc)) return undefined;
  const low = source.fetch(pc);
  const high = low !== undefined && (low & 3) === 3 ? source.fetch(pc + 2) : 0;
  if (low === undefined || high === undefined) return undefined;
  const decoded = decode(((high << 16) | low) >>> 0);
  if (!decoded) return undefined;
  // Nor code with a breakpoint in the middle of an instruction, where control may come to as well.
  if (decoded.length === 4 && source.isBreakpoint(pc + 2)) return undefined;
  const traits = traitsOf(decoded.instruction);
  return traits.traps ? undefined : { pc, decoded, traits };
}
