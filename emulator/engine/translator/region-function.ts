import { HART } from '../../memory/layout';
import {
  call,
  i32,
  i64,
  type Expr,
  type FunctionBuilder,
  type Label,
  type Local,
} from '../../wasm';
import { EXIT_ARRIVAL } from '../enter-regions';
import { orders } from '../interpreter';
import { EXIT } from '../records';
import { longestWays, type Graph, type Node } from './dominators';
import { elementLoopOf } from './element-loop';
import { Exits } from './exits';
import { isInMode, type FloatMode } from './float-mode';
import { ALL_LOADED, analyseRegisters, forget, type RegisterFlow } from './flow';
import { writeSwitch } from './perfect-hash';
import { isSwitch, SWITCH, switchOf, type Edge, type Region, type Terminator } from './region';
import { CallCounter } from './call-counter';
import { RegionCounters } from './region-counters';
import {
  hasModes,
  type RegionCalls,
  type RegionCounting,
  type RegionOptions,
} from './region-options';
import { RegionEmitter, type RegionState } from './region-emitter';
import { RegionResult } from './region-result';
import { inVectors, Registers } from './registers';
import { StripWriter, type CountedElements } from './strip-writer';
import { graphWithStrips, type Strip } from './strips';

type Call = Extract<Terminator, { kind: 'call' }>;

/**
 * Writes a region's function. Control flow becomes nested blocks and loops from the dominator tree
 * (Ramsey, "Beyond Relooper", 2022): a loop head opens a loop, a merge ends a block that is opened by its
 * immediate dominator, and every other block stands where the one edge to it is.
 */
export function writeRegion(
  f: FunctionBuilder,
  region: Region,
  calls: RegionCalls,
  options: RegionOptions,
  counting?: RegionCounting,
): void {
  new RegionWriter(f, region, calls, options, counting).write();
}

class RegionWriter {
  private readonly context: Local<'i32'>;
  private readonly fuel: Local<'i32'>;
  private readonly depth: Local<'i32'>;
  private readonly condition: Local<'i32'>;
  private readonly target: Local<'i64'>;
  private readonly graph: Graph;
  private readonly flow: RegisterFlow;
  private readonly registers: Registers;
  private readonly exits: Exits;
  private readonly state: RegionState;
  private readonly strips: StripWriter;
  private readonly labels: Label[] = [];
  private readonly loops: Label[] = [];
  /** For each node: instructions on the longest way from it to the next check of the fuel. */
  private readonly needs: readonly number[];
  private readonly mode: FloatMode | undefined;
  /** Of a region that counts. */
  private readonly counters: RegionCounters | undefined;
  private readonly callCounter: CallCounter | undefined;
  private readonly result: RegionResult;

  constructor(
    private readonly f: FunctionBuilder,
    region: Region,
    private readonly calls: RegionCalls,
    { mode, relaxedMadd }: RegionOptions,
    counting?: RegionCounting,
  ) {
    this.context = f.param(0, 'i32');
    this.fuel = f.param(1, 'i32');
    this.depth = f.param(2, 'i32');
    const readTable = f.local('i32');
    const writeTable = f.local('i32');
    this.condition = f.local('i32');
    this.target = switchOf(region) ? f.param(3, 'i64') : f.local('i64');
    this.graph = graphWithStrips(region);
    this.flow = analyseRegisters(this.graph);
    this.needs = longestWays(this.graph);
    this.registers = new Registers(
      f,
      this.context,
      inVectors(region, mode !== 'soft' && relaxedMadd),
    );
    this.exits = new Exits(f, this.context, this.fuel, this.registers);
    this.mode = hasModes(region) ? mode : undefined;
    if (counting) {
      const { context, fuel } = this;
      this.counters = new RegionCounters(f, context, counting.base, counting.sites, this.graph);
      const { counters } = this;
      const leave = (exit: Expr<'i64'>): void => this.result.return(exit);
      this.callCounter = new CallCounter({ f, context, fuel, counters, leave, ...counting });
    }
    this.result = new RegionResult(f, this.counters);
    this.state = {
      f,
      context: this.context,
      readTable,
      writeTable,
      registers: this.registers,
      exits: this.exits,
      mode: this.mode ?? 'soft',
      relaxedMadd,
      helper: (name) => calls.helper(name),
    };
    this.strips = new StripWriter(this.state, this.fuel);
  }

  write(): void {
    const { result } = this;
    const [entry] = this.graph.nodes;
    result.around(() => {
      this.exits.around(() => {
        this.prologue(entry);
        this.tree(entry, 0);
      });
      this.exits.finish((fuel, address) => result.return(result.pack(fuel, address)));
    });
  }

  /** Control goes to the target of the instruction that ends a node's block. */
  private countTaken(node: Node): void {
    const last = node.block.items.at(-1);
    const control = last?.decoded.instruction.control;
    if (last && (control === 'jump' || control === 'branch')) this.counters?.taken(node, last.pc);
  }

  private prologue(entry: Node): void {
    const { f, context, registers, state } = this;
    const start = isSwitch(entry.block) ? i32.wrap_i64(this.target) : entry.block.pc;
    const leaveIf = (condition: Expr<'i32'>, kind: number): void =>
      f.if(condition, () => {
        registers.state = { ...ALL_LOADED };
        this.exits.leave({ pc: start, interpret: true, kind, executed: 0 });
      });
    // A switch looks at the fuel itself.
    if (!isSwitch(entry.block)) leaveIf(this.lacks(entry), EXIT.fuel);
    const { mode } = this;
    // Without a fused multiply-add, `soft` is for all that is not `sticky`.
    if (mode && (mode !== 'soft' || this.state.relaxedMadd))
      leaveIf(i32.eqz(isInMode(mode, i32.load(context, HART.fcsr))), EXIT.mode);
    f.set(state.readTable, i32.load(context, HART.readTable));
    f.set(state.writeTable, i32.load(context, HART.writeTable));
    const { single, double } = this.flow.before(entry);
    const live = this.flow.live(entry);
    registers.loadSingles(live.f & single, (condition) => leaveIf(condition, EXIT.float));
    registers.loadDoubles(live.f & double & ~single);
    registers.loadX(live.x);
    if (entry.block.begins) this.strips.enter();
  }

  /** Whether the fuel may not last from a node to the next check. */
  private lacks(node: Node): Expr<'i32'> {
    return i32.lt_s(this.fuel, i32.const(this.needs[node.index]));
  }

  /** A node and what it dominates. `executed`: instructions not subtracted from the fuel yet. */
  private tree(node: Node, executed: number): void {
    const merges = node.children.filter(({ isMerge }) => isMerge);
    if (!node.isLoopHead) {
      this.within(node, merges, executed);
      return;
    }
    this.f.loop((again) => {
      this.loops[node.index] = again;
      this.within(node, merges, executed);
    });
  }

  /** Opens a block for each merge, the last one outermost, and writes the node inside of them. */
  private within(node: Node, merges: readonly Node[], executed: number): void {
    const merge = merges.at(-1);
    if (!merge) {
      this.block(node, executed);
      return;
    }
    this.f.block((label) => {
      this.labels[merge.index] = label;
      this.within(node, merges.slice(0, -1), executed);
    });
    this.tree(merge, 0);
  }

  private block(node: Node, before: number): void {
    const { f, registers } = this;
    const { items, terminator, strip } = node.block;
    registers.state = { ...this.flow.before(node) };
    let executed = before;
    for (const item of items) {
      f.scope((temp) => {
        const { instruction } = item.decoded;
        const window = strip && this.strips.windowOf(strip, item);
        const emitter = new RegionEmitter(this.state, item, executed, temp, window);
        instruction.semantics!(emitter);
        if (orders(instruction)) emitter.leaveForNews();
        if (emitter.condition) f.set(this.condition, emitter.condition);
        if (emitter.target) f.set(this.target, emitter.target);
      });
      executed += 1;
    }
    switch (terminator.kind) {
      case 'jump':
        this.countTaken(node);
        this.follow(node, terminator.edge, executed);
        return;
      case 'branch': {
        const { state } = registers;
        f.if(this.condition, () => {
          registers.state = { ...state };
          this.countTaken(node);
          this.follow(node, terminator.taken, executed);
        });
        registers.state = { ...state };
        this.follow(node, terminator.fall, executed);
        return;
      }
      case 'call':
        this.call(node, terminator, executed);
        return;
      case 'indirect':
        if (terminator.via?.to) this.follow(node, terminator.via, executed);
        else this.indirect(node, terminator.guesses, executed);
        return;
      case 'switch':
        this.switch(node, terminator.targets);
        return;
      case 'stop':
        this.exits.leave({ pc: terminator.pc, interpret: true, kind: EXIT.system, executed });
        return;
      case 'strip': {
        const { state } = registers;
        const elements = this.elementsOf(terminator.strip, terminator.fast);
        this.strips.open(terminator.strip, this.needs[node.index], elements, () => {
          registers.state = { ...state };
          this.follow(node, terminator.fast, executed);
        });
        registers.state = { ...state };
        this.follow(node, terminator.checked, executed);
      }
    }
  }

  /** Goes to one of the likely targets, or leaves. */
  private indirect(node: Node, guesses: readonly Edge[], executed: number): void {
    const { f, registers } = this;
    const { state } = registers;
    for (const edge of guesses) {
      if (!edge.to) continue;
      f.if(i64.eq(this.target, i64.const(edge.pc)), () => {
        registers.state = { ...state };
        this.follow(node, edge, executed);
      });
    }
    registers.state = { ...state };
    registers.spill();
    this.leaveIndirectly(node, this.fuelAfter(executed));
  }

  /** Goes where an indirect jump leads to, if that is one of the region's entries; else leaves. */
  private switch(node: Node, targets: readonly Edge[]): void {
    const { f, registers, target } = this;
    const { state } = registers;
    const pc = i32.wrap_i64(target);
    f.if(this.lacks(node), () =>
      this.exits.leave({ pc, interpret: true, kind: EXIT.fuel, executed: 0 }),
    );
    const take = (edge: Edge): void => {
      registers.state = { ...state };
      const live = this.flow.live(this.graph.nodeOf(edge.to!));
      registers.loadX(live.x & ~this.flow.kept);
      registers.loadDoubles(live.f);
      this.follow(node, edge, 0);
    };
    const cases = targets.map((edge) => [edge.pc, () => take(edge)] as const);
    writeSwitch(f, target, cases);
    registers.state = { ...state };
    registers.spill();
    this.leaveIndirectly(node, this.fuel);
  }

  private leaveIndirectly({ block }: Node, fuel: Expr<'i32'>): void {
    const { result } = this;
    result.return(result.packIndirect(block, fuel, this.target));
  }

  /** What of a strip can be computed two rounds at a time. */
  private elementsOf(strip: Strip, { to }: Edge): CountedElements | undefined {
    const inVectors = this.mode !== 'soft' && this.registers.inVectors.d;
    const loop = inVectors && to && elementLoopOf(to, strip);
    if (!loop) return undefined;
    const node = this.graph.nodeOf(to);
    return { loop, ran: (rounds) => this.counters?.taken(node, loop.end, rounds) };
  }

  private fuelAfter(executed: number): Expr<'i32'> {
    return executed === 0 ? this.fuel : i32.sub(this.fuel, i32.const(executed));
  }

  private settle(executed: number): void {
    if (executed > 0) this.f.set(this.fuel, this.fuelAfter(executed));
  }

  /** Makes the registers' locals what a node expects. */
  private agreeWith(node: Node): void {
    const { registers } = this;
    const { double } = this.flow.before(node);
    registers.agree(this.flow.live(node).f & double & ~registers.state.double);
  }

  /** Goes where an edge leads. */
  private follow(from: Node, { pc, to, ends }: Edge, executed: number): void {
    const { f, registers } = this;
    if (ends && to) {
      const head = this.graph.nodeOf(to);
      this.agreeWith(head);
      this.settle(executed);
      this.strips.again(this.loops[head.index]);
      this.follow(from, ends, 0);
      return;
    }
    if (!to) {
      this.exits.leave({ pc, interpret: false, kind: EXIT.jump, executed });
      return;
    }
    const node = this.graph.nodeOf(to);
    if (isSwitch(node.block)) {
      const { kept } = this.flow;
      registers.spill(kept);
      this.settle(executed);
      if (pc !== SWITCH) f.set(this.target, i64.const(pc));
      f.br(this.loops[node.index]);
      return;
    }
    this.agreeWith(node);
    if (node.block.begins && from.block.terminator.kind !== 'strip') {
      this.settle(executed);
      executed = 0;
      this.strips.enter();
    }
    if (node.index <= from.index) {
      this.settle(executed);
      f.if(this.lacks(node), () =>
        this.exits.leave({ pc, interpret: true, kind: EXIT.fuel, executed: 0 }),
      );
      f.br(this.loops[node.index]);
    } else if (node.isMerge) {
      this.settle(executed);
      f.br(this.labels[node.index]);
    } else if (node.isLoopHead) {
      this.settle(executed);
      this.tree(node, 0);
    } else {
      this.tree(node, executed);
    }
  }

  /**
   * A call of another region, as a call of its function. It comes back when control is at the return address;
   * if it comes back from elsewhere, this function returns too: its registers are in the context.
   */
  private call(from: Node, { target, guess, next }: Call, executed: number): void {
    const { f, context, registers } = this;
    registers.spill();
    forget(registers.state);
    this.settle(executed);
    const address = target === undefined ? i32.wrap_i64(this.target) : i32.const(target);
    const site = from.block.items.at(-1)!.pc;
    const counted = this.callCounter?.begin(from, site, address, next.pc, this.depth);
    if (!counted) f.if(i32.eqz(this.depth), () => f.return(this.result.pack(this.fuel, address)));
    f.scope((temp) => {
      const exit = temp('i64');
      const deeper = i32.sub(this.depth, i32.const(1));
      const expected = i32.const(next.pc);
      const isBack = counted?.isBack(exit) ?? i32.eq(i32.wrap_i64(exit), expected);
      const { resume } = this.calls;
      const likely = target ?? guess;
      const known = likely === undefined ? undefined : this.calls.regionAt(likely);
      const start = this.result.pack(this.fuel, address);
      if (known === undefined) {
        const arrives = counted !== undefined && target === undefined;
        const entering = arrives ? i64.or(start, i64.const(EXIT_ARRIVAL)) : start;
        f.set(exit, call(resume, 'i64', context, entering, deeper, expected));
      } else {
        const enter = (): void => f.set(exit, call(known, 'i64', context, this.fuel, deeper));
        if (target !== undefined) enter();
        else f.if(i32.eq(address, i32.const(guess!)), enter, () => f.set(exit, start));
        f.if(i32.eqz(isBack), () =>
          f.set(exit, call(resume, 'i64', context, exit, deeper, expected)),
        );
      }
      f.if(i32.eqz(isBack), () => {
        if (counted) counted.away(exit);
        else f.return(exit);
      });
      f.set(this.fuel, this.result.fuelIn(exit));
      counted?.back();
    });
    if (!next.to) {
      this.exits.leave({ pc: next.pc, interpret: false, kind: EXIT.jump, executed: 0 });
      return;
    }
    const node = this.graph.nodeOf(next.to);
    f.if(this.lacks(node), () =>
      this.exits.leave({ pc: next.pc, interpret: true, kind: EXIT.fuel, executed: 0 }),
    );
    const live = this.flow.live(node);
    registers.loadX(live.x);
    registers.loadDoubles(live.f);
    this.follow(from, next, 0);
  }
}
