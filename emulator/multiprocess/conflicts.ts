import type { MergeConflict } from '../memory';
import type { Vcpu } from './task';

/** A store of a vCPU, found by running it again. */
export interface FoundStore {
  readonly pc: number;
  /** Instructions that the vCPU had retired before. */
  readonly instructions: number;
}

/** What one side wrote. */
export interface ConflictSide {
  /** Its mhartid. */
  readonly hart: number;
  /** Of a vCPU: its number in the task. Absent: the task's owner wrote it while the task ran. */
  readonly vcpu?: number;
  /** The bytes as one number, `0x…`. */
  readonly value: string;
  /** Its last store there; absent where it is not known. */
  readonly pc?: number;
  readonly instructions?: number;
}

/** Bytes to which two sides of a workspace task wrote different values. */
export interface Conflict {
  readonly task: number;
  readonly address: number;
  /** Bytes, 1 to 8. */
  readonly size: number;
  /** What both started from. */
  readonly old: string;
  /** Whose value stays. */
  readonly first: ConflictSide;
  readonly second: ConflictSide;
}

/** A conflict of one byte and who is in it. */
export interface ByteConflict extends MergeConflict {
  /** Undefined: the task's owner. */
  readonly first: Vcpu | undefined;
  readonly second: Vcpu;
}

/** The last stores of some vCPUs to some addresses. */
export type FoundStores = ReadonlyMap<Vcpu, ReadonlyMap<number, FoundStore>>;

const MOST_BYTES = 8;
const MOST_KEPT = 1000;

/** The conflicts of a machine's joins, the first ones of many. */
export class ConflictList {
  readonly conflicts: Conflict[] = [];
  /** Conflicts beyond those that are kept, in bytes. */
  notKept = 0;

  /** @param bytes in ascending order of addresses for each second side */
  add(task: number, owner: number, bytes: readonly ByteConflict[], stores: FoundStores): void {
    for (let i = 0; i < bytes.length;) {
      let end = i + 1;
      while (end < bytes.length && end - i < MOST_BYTES && goesOn(bytes, i, end, stores)) end += 1;
      const part = bytes.slice(i, end);
      if (this.conflicts.length < MOST_KEPT) this.conflicts.push(join(task, owner, part, stores));
      else this.notKept += part.length;
      i = end;
    }
  }
}

/** Whether byte `next` belongs to the conflict that begins at `start`. */
function goesOn(
  bytes: readonly ByteConflict[],
  start: number,
  next: number,
  stores: FoundStores,
): boolean {
  const [one, other] = [bytes[start], bytes[next]];
  const store = (vcpu: Vcpu | undefined, address: number): FoundStore | undefined =>
    vcpu && stores.get(vcpu)?.get(address);
  return (
    other.address === one.address + next - start &&
    one.first === other.first &&
    one.second === other.second &&
    store(one.first, one.address)?.pc === store(other.first, other.address)?.pc &&
    store(one.second, one.address)?.pc === store(other.second, other.address)?.pc
  );
}

function join(
  task: number,
  owner: number,
  bytes: readonly ByteConflict[],
  stores: FoundStores,
): Conflict {
  const [{ address, first, second }] = bytes;
  const value = (field: 'target' | 'child' | 'base'): string =>
    `0x${bytes
      .map((byte) => byte[field].toString(16).padStart(2, '0'))
      .reverse()
      .join('')}`;
  const side = (vcpu: Vcpu | undefined, written: string): ConflictSide => ({
    hart: vcpu?.mhartid ?? owner,
    ...(vcpu && { vcpu: vcpu.id }),
    value: written,
    ...(vcpu && stores.get(vcpu)?.get(address)),
  });
  return {
    task,
    address,
    size: bytes.length,
    old: value('base'),
    first: side(first, value('target')),
    second: side(second, value('child')),
  };
}
