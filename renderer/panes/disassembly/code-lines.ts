/** The Disassembly pane's window on the guest's code: which lines are known and which are in sight. */
import { computed, ref, shallowRef, type ComputedRef, type Ref } from 'vue';
import type {
  DisassembledLine,
  MachineRequests,
  SegmentInfo,
} from '../../../emulator/debug/protocol';

export type CodeRow =
  | {
      readonly kind: 'label';
      readonly key: string;
      readonly address: number;
      readonly text: string;
      /** Whether the function that begins here runs translated. */
      readonly translated: boolean;
    }
  | {
      readonly kind: 'line';
      readonly key: string;
      readonly address: number;
      readonly line: DisassembledLine;
    };

/** Lines fetched to either side of a place; more come when the view gets near an end. */
const REACH = 200;
const NEAR = 60;
/** Lines kept; a longer stretch loses the end that is out of sight. */
const MOST = 2000;

const byteCount = (line: DisassembledLine): number => line.bytes.length / 2;
const after = (line: DisassembledLine): number => line.address + byteCount(line);

export interface CodeLines {
  readonly rows: ComputedRef<readonly CodeRow[]>;
  /** Index of the first row in sight. */
  readonly top: Ref<number>;
  readonly height: Ref<number>;
  /** Where the first row lies in the code, 0 … 1, and how much of it is in sight. */
  readonly place: ComputedRef<{ at: number; shown: number }>;
  /** Brings an address into sight; it moves nothing when it is there already. */
  reveal(address: number): Promise<void>;
  scroll(rows: number): Promise<void>;
  seek(at: number): Promise<void>;
  /** Fetches again what is shown: the guest may have changed its code. */
  refresh(): Promise<void>;
  /** Fetches all again: instructions have other names now. */
  rename(): Promise<void>;
  clear(): void;
  lineIndex(address: number): number;
}

export function useCodeLines(
  requests: () => MachineRequests,
  segments: () => readonly SegmentInfo[],
  ownNames: () => boolean,
  hart: () => number,
): CodeLines {
  const disassemble = (
    address: number,
    before: number,
    count: number,
  ): Promise<readonly DisassembledLine[]> =>
    requests().disassemble(address, before, count, ownNames(), hart());
  const lines = shallowRef<readonly DisassembledLine[]>([]);
  const top = ref(0);
  const height = ref(20);
  /** Which fetch is the latest; what an older one brings is not wanted any more. */
  let latest = 0;
  let extending = false;

  const rows = computed(() =>
    lines.value.flatMap((line): CodeRow[] => {
      const row: CodeRow = { kind: 'line', key: `${line.address}`, address: line.address, line };
      if (line.label === undefined) return [row];
      const { address, label, translated = false } = line;
      return [{ kind: 'label', key: `${address}:`, address, text: label, translated }, row];
    }),
  );
  const code = computed(() => segments().filter(({ permissions }) => permissions.includes('x')));
  const codeBytes = computed(() =>
    code.value.reduce((sum, { start, end }) => sum + end - start, 0),
  );

  const place = computed(() => {
    const first = rows.value[top.value];
    const last = rows.value[Math.min(top.value + height.value, rows.value.length) - 1];
    if (first === undefined || last === undefined || codeBytes.value === 0)
      return { at: 0, shown: 1 };
    const shown = (last.address - first.address) / codeBytes.value;
    const at = offsetOf(first.address) / codeBytes.value;
    return { at: shown >= 1 ? 0 : at / (1 - shown), shown: shown || 0.001 };
  });

  /** Bytes of code below an address. */
  function offsetOf(address: number): number {
    let below = 0;
    for (const { start, end } of code.value) below += Math.max(0, Math.min(address, end) - start);
    return below;
  }

  function addressAt(offset: number): number | null {
    let left = offset;
    for (const { start, end } of code.value) {
      if (left < end - start) return start + (left & ~1);
      left -= end - start;
    }
    return code.value.at(-1)?.start ?? null;
  }

  const lineIndex = (address: number): number =>
    rows.value.findIndex((row) => row.kind === 'line' && row.address === address);

  const clampTop = (wanted: number): number =>
    Math.max(0, Math.min(wanted, rows.value.length - height.value + 2));

  /** Fetches the surroundings of `address` and shows it `above` rows below the top. */
  async function load(address: number, above: number): Promise<void> {
    const mine = ++latest;
    const fetched = await disassemble(address, REACH, REACH * 2);
    if (mine !== latest) return;
    lines.value = fetched;
    const index = lineIndex(address);
    top.value = clampTop((index < 0 ? 0 : index) - above);
  }

  async function reveal(address: number): Promise<void> {
    const index = lineIndex(address);
    const third = Math.floor(height.value / 3);
    if (index < 0) return load(address, third);
    // A row that only just shows at an edge is not in sight.
    if (index >= top.value + 1 && index < top.value + height.value - 2) return;
    top.value = clampTop(index - third);
    await extend();
  }

  async function scroll(by: number): Promise<void> {
    top.value = clampTop(top.value + by);
    await extend();
  }

  /** Fetches more when the view is near an end of what is known. */
  async function extend(): Promise<void> {
    if (extending) return;
    extending = true;
    const mine = latest;
    try {
      const [first, last] = [lines.value[0], lines.value.at(-1)];
      if (first !== undefined && top.value < NEAR) {
        const above = await disassemble(first.address, REACH, 0);
        const more = above.filter(({ address }) => address < first.address);
        if (mine !== latest || more.length === 0) return;
        const before = rows.value.length;
        lines.value = [...more, ...lines.value];
        top.value += rows.value.length - before;
        lines.value = lines.value.slice(0, MOST);
      } else if (last !== undefined && top.value + height.value > rows.value.length - NEAR) {
        const more = await disassemble(after(last), 0, REACH);
        if (mine !== latest || more.length === 0) return;
        lines.value = [...lines.value, ...more.filter(({ address }) => address > last.address)];
        if (lines.value.length > MOST) {
          const kept = rows.value[top.value]?.key;
          lines.value = lines.value.slice(-MOST);
          top.value = clampTop(rows.value.findIndex(({ key }) => key === kept));
        }
      }
    } finally {
      extending = false;
    }
  }

  async function seek(at: number): Promise<void> {
    const shown = place.value.shown;
    const address = addressAt(Math.floor(at * (1 - shown) * codeBytes.value));
    if (address === null) return;
    const index = rows.value.findIndex((row) => row.address >= address);
    const known = index > 0 && (rows.value[index - 1]?.address ?? 0) <= address;
    if (known) {
      top.value = clampTop(index);
      await extend();
    } else await load(address, 0);
  }

  /** Whether the lines in sight are still what the guest's code says: most stops change none. */
  async function isCurrent(first: number): Promise<boolean> {
    const fetched = await disassemble(first, 0, height.value);
    const from = lines.value.findIndex(({ address }) => address === first);
    return fetched.every(({ address, bytes, translated }, index) => {
      const known = lines.value[from + index];
      // What is not known yet is fetched when it comes into sight.
      if (known === undefined) return true;
      const isSame = known.address === address && known.bytes === bytes;
      return isSame && known.translated === translated;
    });
  }

  async function refresh(): Promise<void> {
    const first = rows.value[top.value];
    if (first === undefined) return;
    if (!(await isCurrent(first.address))) await fetchAgain(first);
  }

  async function rename(): Promise<void> {
    const first = rows.value[top.value];
    if (first !== undefined) await fetchAgain(first);
  }

  /** Fetches what is around the first row in sight, which stays where it is. */
  async function fetchAgain(first: CodeRow): Promise<void> {
    const mine = ++latest;
    const offset = rows.value.findIndex(({ address }) => address === first.address);
    const fetched = await disassemble(first.address, REACH, REACH * 2);
    if (mine !== latest) return;
    const within = top.value - offset;
    lines.value = fetched;
    const index = rows.value.findIndex(({ address }) => address === first.address);
    if (index >= 0) top.value = clampTop(index + within);
  }

  function clear(): void {
    latest++;
    lines.value = [];
    top.value = 0;
  }

  return { rows, top, height, place, reveal, scroll, seek, refresh, rename, clear, lineIndex };
}
