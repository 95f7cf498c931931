/** The Memory pane's selected bytes, and the data breakpoints on the bytes that it shows. */
import { computed, ref, type ComputedRef, type Ref } from 'vue';
import type { Breakpoint, BreakpointSpec, DataAccess } from '../../../emulator/debug/protocol';
import type { ContextItem } from '../../stores/menu';
import type { useMachine } from '../../stores/machine';
import type { WhileOpen } from '../while-open';

/** What stops, with the key that sets it; none is a hexadecimal digit. */
const ACCESSES: readonly { readonly access: DataAccess; readonly key: string }[] = [
  { access: 'write', key: 'w' },
  { access: 'read', key: 'r' },
  { access: 'access', key: 'x' },
  { access: 'change', key: 'v' },
];

export interface Selection {
  readonly address: number;
  readonly length: number;
}

export interface MemoryWatches {
  /** The other end of the selection; null: only the byte at the cursor is selected. */
  readonly anchor: Ref<number | null>;
  readonly selection: ComputedRef<Selection>;
  isSelected(address: number): boolean;
  /** The ranges that are watched: another object whenever `watching` may answer otherwise. */
  readonly ranges: ComputedRef<readonly Selection[]>;
  /** What watches a byte, in a few words; undefined: nothing does. */
  watching(address: number): string | undefined;
  /** Sets a data breakpoint on the selected bytes, or takes the same one away. */
  toggle(access: DataAccess): Promise<void>;
  /** The access that a key stands for. */
  accessOf(key: string): DataAccess | undefined;
  menuItems(): readonly ContextItem[];
}

type Machine = Pick<
  ReturnType<typeof useMachine>,
  'breakpoints' | 'addBreakpoint' | 'removeBreakpoint' | 'phase'
>;

/** @param attempt runs what may fail, and shows why it did */
export function useMemoryWatches(
  machine: Machine,
  cursor: Ref<number>,
  attempt: WhileOpen,
): MemoryWatches {
  const anchor = ref<number | null>(null);
  const selection = computed((): Selection => {
    const other = anchor.value ?? cursor.value;
    const address = Math.min(other, cursor.value);
    return { address, length: Math.max(other, cursor.value) - address + 1 };
  });
  const ranges = computed(() => machine.breakpoints.flatMap((each) => rangeOf(each) ?? []));

  const isSelected = (at: number): boolean => {
    const { address, length } = selection.value;
    return anchor.value !== null && at >= address && at < address + length;
  };

  function watching(at: number): string | undefined {
    const names = ranges.value
      .filter(({ address, length }) => at >= address && at < address + length)
      .map(({ id, access, enabled }) => `${access} breakpoint ${id}${enabled ? '' : ' (off)'}`);
    return names.length > 0 ? names.join(', ') : undefined;
  }

  const existing = (wanted: DataAccess): Range | undefined => {
    const { address, length } = selection.value;
    return ranges.value.find(
      (range) => range.access === wanted && range.address === address && range.length === length,
    );
  };

  async function toggle(access: DataAccess): Promise<void> {
    if (machine.phase !== 'open') return;
    const there = existing(access);
    const { address, length } = selection.value;
    const spec: BreakpointSpec = {
      kind: 'data',
      at: `0x${address.toString(16)}`,
      length,
      access,
      enabled: true,
    };
    await attempt(() => (there ? machine.removeBreakpoint(there.id) : machine.addBreakpoint(spec)));
  }

  const menuItems = (): readonly ContextItem[] => {
    const { length } = selection.value;
    const bytes = length === 1 ? '1 byte' : `${length} bytes`;
    return ACCESSES.map(({ access, key }) => ({
      title: `Break on ${access} of ${bytes} (${key.toUpperCase()})`,
      checked: existing(access) !== undefined,
      disabled: machine.phase !== 'open',
      run: () => toggle(access),
    }));
  };

  const accessOf = (key: string): DataAccess | undefined =>
    ACCESSES.find((each) => each.key === key.toLowerCase())?.access;

  return { anchor, selection, ranges, isSelected, watching, toggle, accessOf, menuItems };
}

interface Range extends Selection {
  readonly id: number;
  readonly access: DataAccess;
  readonly enabled: boolean;
}

function rangeOf(breakpoint: Breakpoint): Range | undefined {
  const { id, kind, location, watched, access = 'write', enabled } = breakpoint;
  if (kind !== 'data' || !location || watched === undefined) return undefined;
  return { id, address: location.address, length: watched, access, enabled };
}
