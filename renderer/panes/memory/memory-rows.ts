/** The Memory pane's window on the guest's memory: rows of 16 bytes, holes and differences. */
import { computed, ref, shallowRef, type ComputedRef, type Ref } from 'vue';
import type { MachineRequests, MemoryBlock } from '../../../emulator/debug/protocol';

export const ROW_BYTES = 16;
/** Guest addresses are below 4 GiB. */
export const TOTAL_ROWS = 2 ** 32 / ROW_BYTES;
/** Rows fetched beyond what is in sight, on either side: scrolling by a few lines shows them at once. */
const MARGIN = 32;

export interface MemoryCell {
  /** Absent where nothing is mapped. */
  readonly value?: number;
  /** Differs from what it was at the stop before. */
  readonly changed: boolean;
}

export interface MemoryRow {
  readonly address: number;
  readonly cells: readonly MemoryCell[];
  /** Nothing of the row is mapped. */
  readonly unmapped: boolean;
}

const isSameRow = ({ cells }: MemoryRow, other: MemoryRow): boolean =>
  cells.every((cell, i) => {
    const { value, changed } = other.cells[i] ?? { changed: false };
    return cell.value === value && cell.changed === changed;
  });

export interface MemoryRows {
  readonly rows: ComputedRef<readonly MemoryRow[]>;
  readonly top: Ref<number>;
  readonly height: Ref<number>;
  /** Moves the first row in sight. */
  scrollTo(row: number): Promise<void>;
  /** Fetches what is in sight; `newStop` says that the guest has run since. */
  fetch(newStop: boolean): Promise<void>;
  clear(): void;
  /** Marks no differences until the next stop. */
  forgetEarlier(): void;
  /** The bytes from an address on, as far as they are known. */
  bytesAt(address: number, count: number): Uint8Array | null;
}

export function useMemoryRows(requests: () => MachineRequests, hart: () => number): MemoryRows {
  const top = ref(0);
  const height = ref(10);
  const block = shallowRef<MemoryBlock | null>(null);
  /** What was shown before the guest ran, to mark differences against. */
  const earlier = shallowRef<MemoryBlock | null>(null);
  let latest = 0;

  const valueIn = (known: MemoryBlock | null, address: number): number | undefined => {
    if (known === null) return undefined;
    const index = address - known.address;
    if (index < 0 || index >= known.bytes.length) return undefined;
    if (known.holes.some(({ start, end }) => address >= start && address < end)) return undefined;
    return known.bytes[index];
  };

  const rows = computed((before?: readonly MemoryRow[]): readonly MemoryRow[] => {
    const count = Math.min(height.value, TOTAL_ROWS - top.value);
    const known = new Map(before?.map((row) => [row.address, row]));
    const made = Array.from({ length: count }, (_, index): MemoryRow => {
      const address = (top.value + index) * ROW_BYTES;
      const cells = Array.from({ length: ROW_BYTES }, (_none, offset): MemoryCell => {
        const value = valueIn(block.value, address + offset);
        const before = valueIn(earlier.value, address + offset);
        if (value === undefined) return { changed: false };
        return { value, changed: before !== undefined && before !== value };
      });
      return { address, cells, unmapped: cells.every(({ value }) => value === undefined) };
    });
    // A row that says the same stays the same object: it is not drawn again.
    return made.map((row) => {
      const old = known.get(row.address);
      return old && isSameRow(old, row) ? old : row;
    });
  });

  async function fetch(newStop: boolean): Promise<void> {
    const mine = ++latest;
    const first = Math.max(0, top.value - MARGIN);
    const last = Math.min(TOTAL_ROWS, top.value + height.value + MARGIN);
    const next = await requests().readMemory(first * ROW_BYTES, (last - first) * ROW_BYTES, hart());
    if (newStop) earlier.value = block.value;
    if (mine === latest) block.value = next;
  }

  async function scrollTo(row: number): Promise<void> {
    top.value = Math.max(0, Math.min(TOTAL_ROWS - Math.max(1, height.value - 2), Math.round(row)));
    const known = block.value;
    const start = top.value * ROW_BYTES;
    const end = Math.min(TOTAL_ROWS, top.value + height.value) * ROW_BYTES;
    const covered =
      known !== null && start >= known.address && end <= known.address + known.bytes.length;
    if (!covered) await fetch(false);
  }

  function forgetEarlier(): void {
    earlier.value = null;
  }

  function clear(): void {
    latest++;
    block.value = null;
    earlier.value = null;
  }

  function bytesAt(address: number, count: number): Uint8Array | null {
    const values = Array.from({ length: count }, (_, index) =>
      valueIn(block.value, address + index),
    );
    return values.some((value) => value === undefined) ? null : Uint8Array.from(values as number[]);
  }

  return { rows, top, height, scrollTo, fetch, clear, forgetEarlier, bytesAt };
}
