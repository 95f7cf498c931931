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

/** What was counted at one instruction, and how it can be left. */
export interface FlowCount {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
  readonly control?: Control | undefined;
  /** Of a branch and a jump. */
  readonly target?: number | undefined;
  /** Of a branch and a jump: how often it went to its target. */
  readonly taken: number;
  /** How often control came here by an indirect jump or began here, less how often it stopped here. */
  readonly arrivals: number;
}

/**
 * Executions of each instruction that ran. What falls through goes to higher addresses only, so one pass in
 * the order of addresses suffices, also where instructions overlap.
 * @param counted every instruction that control came to, in any order, each address once
 * @throws Error when an instruction would have run less than zero times: the counts do not belong together
 */
export function executionCounts(counted: readonly FlowCount[]): InstructionCounts {
  const ordered = [...counted].sort((a, b) => a.address - b.address);
  const places = new Map(ordered.map(({ address }, i) => [address, i]));
  const executions = Float64Array.from(ordered, ({ arrivals }) => arrivals);
  for (const { target, taken } of ordered) {
    const place = target === undefined ? undefined : places.get(target);
    if (place !== undefined) executions[place] += taken;
  }
  ordered.forEach(({ address, length, control, taken }, i) => {
    if (executions[i] < 0) {
      const at = `0x${address.toString(16)}`;
      throw new Error(`the instruction at ${at} ran ${executions[i]} times: counts do not add up`);
    }
    if (control === 'jump' || control === 'indirect') return;
    const next = places.get(address + length);
    if (next !== undefined) executions[next] += executions[i] - taken;
  });
  const ran = ordered.map((_, i) => i).filter((i) => executions[i] > 0);
  return {
    addresses: Float64Array.from(ran, (i) => ordered[i].address),
    executions: Float64Array.from(ran, (i) => executions[i]),
    taken: Float64Array.from(ran, (i) => (ordered[i].control === 'branch' ? ordered[i].taken : 0)),
  };
}
