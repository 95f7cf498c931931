/**
 * From what is cheap to count to what one wants to know. An engine counts only where control does not just
 * go on to the next instruction: taken branches and jumps, arrivals by indirect jumps, where a run began
 * and where it stopped. How often each instruction ran follows from that, exactly: whatever comes to an
 * instruction either falls through from the one before it or arrives.
 */
import type { Control } from '../isa/types';

/**
 * How often instructions ran, in the order of their addresses; only those that ran.
 *
 * | array        | an element                                                         |
 * |--------------|--------------------------------------------------------------------|
 * | `addresses`  | address of an instruction                                          |
 * | `executions` | how often it retired                                               |
 * | `taken`      | of a conditional branch: how often it was taken; else 0            |
 */
export interface InstructionCounts {
  readonly addresses: Float64Array;
  readonly executions: Float64Array;
  readonly taken: Float64Array;
}

/** How an instruction can be left. */
export interface FlowInstruction {
  /** Bytes. */
  readonly length: number;
  readonly control?: Control | undefined;
}

/** Control moves at 16-bit units, and by at most two of them without a jump. */
const WINDOW = 4;

/** What was counted of the flow of control. */
export class FlowCounts {
  private readonly arrivals = new Map<number, number>();
  private readonly gone = new Map<number, number>();

  /** A branch or jump went to its target so many times. */
  taken(site: number, target: number, count: number): void {
    this.gone.set(site, (this.gone.get(site) ?? 0) + count);
    this.arrived(target, count);
  }

  /** Control came to an instruction by other ways so many times more than it stopped there. */
  arrived(address: number, count: number): void {
    this.arrivals.set(address, (this.arrivals.get(address) ?? 0) + count);
  }

  /**
   * Tells the executions of each instruction that ran. What falls through goes to higher addresses only, so one pass in
   * the order of addresses suffices, also where instructions overlap.
   * @param instructionAt undefined for code that is not known: control does not go on behind it
   * @throws Error when an instruction would have run less than zero times: the counts do not belong together
   */
  spread(
    instructionAt: (address: number) => FlowInstruction | undefined,
    tell: (address: number, executions: number, taken: number) => void,
  ): void {
    const begins = [...this.arrivals.keys()].sort((a, b) => a - b);
    // What falls through to the next units, by unit.
    const falling = new Float64Array(WINDOW);
    const place = (address: number): number => (address / 2) % WINDOW;
    for (let i = 0, at = 0; i < begins.length;) {
      if (falling.every((count) => count === 0)) at = begins[i];
      let executions = falling[place(at)];
      falling[place(at)] = 0;
      if (begins[i] === at) executions += this.arrivals.get(begins[i++])!;
      while (executions !== 0 || falling.some((count) => count !== 0)) {
        if (executions !== 0) this.pass(at, executions, { instructionAt, tell, falling, place });
        at += 2;
        executions = falling[place(at)];
        falling[place(at)] = 0;
        if (begins[i] === at) executions += this.arrivals.get(begins[i++])!;
      }
    }
  }

  private pass(
    at: number,
    executions: number,
    {
      instructionAt,
      tell,
      falling,
      place,
    }: {
      readonly instructionAt: (address: number) => FlowInstruction | undefined;
      readonly tell: (address: number, executions: number, taken: number) => void;
      readonly falling: Float64Array;
      readonly place: (address: number) => number;
    },
  ): void {
    if (executions < 0) {
      const where = `0x${at.toString(16)}`;
      throw new Error(`the instruction at ${where} ran ${executions} times: counts do not add up`);
    }
    const instruction = instructionAt(at);
    const taken = this.gone.get(at) ?? 0;
    tell(at, executions, instruction?.control === 'branch' ? taken : 0);
    const ends = instruction?.control === 'jump' || instruction?.control === 'indirect';
    if (instruction && !ends) falling[place(at + instruction.length)] += executions - taken;
  }
}
