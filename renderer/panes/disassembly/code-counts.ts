/** How often the instructions in sight have run, where the machine counts. */
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import type { CodeCounts } from '../../../emulator/debug/protocol-profile';
import type { TimeRange } from '../../../emulator/profile/timed-samples';
import { grouped } from '../../format';
import { useEventRange } from '../../stores/event-range';
import { useMachine } from '../../stores/machine';
import { usePaneRevision } from '../pane-revision';
import type { WhileOpen } from '../while-open';
import type { CodeRow } from './code-lines';

/** What the Disassembly shows beside an instruction. */
export interface InstructionCount {
  /** Executions by the focused hart, and by all. */
  readonly own: number;
  readonly all: number;
  /** Of a branch: how often all took it. */
  readonly taken: number;
  /** `all` by the largest in sight. */
  readonly heat: number;
  /** Executions by each hart, as `names` has them. */
  readonly harts: readonly number[];
}

/** Bytes that the last instruction in sight has at most. */
const LONGEST = 4;

export function useCodeCounts(
  visible: ComputedRef<readonly CodeRow[]>,
  whileOpen: WhileOpen,
): {
  /** By address; undefined while nothing is counted. */
  readonly at: ComputedRef<ReadonlyMap<number, InstructionCount> | undefined>;
  /** Characters of the widest number. */
  readonly width: Ref<number>;
  /** The harts that have run some of them. */
  readonly names: ComputedRef<readonly string[]>;
  /** What the counts of a part of the time really cover. */
  readonly covers: ComputedRef<TimeRange | undefined>;
} {
  const machine = useMachine();
  const events = useEventRange();
  const counts = shallowRef<CodeCounts | null>(null);
  const width = ref(0);
  let latest = 0;

  async function fetch(): Promise<void> {
    const [first, last] = [visible.value[0], visible.value.at(-1)];
    if (first === undefined || last === undefined) return;
    const mine = ++latest;
    await whileOpen(async () => {
      const requests = machine.requests();
      const answer = await requests.counts(
        first.address,
        last.address + LONGEST,
        machine.focusHart,
        events.counted,
      );
      if (mine !== latest) return;
      counts.value = answer;
      width.value = answer.all.reduce((most, each) => Math.max(most, grouped(each).length), 3);
    });
  }

  const { revision } = usePaneRevision('disassembly');
  watch(
    () =>
      [
        revision.value,
        machine.phase,
        machine.focusHart,
        visible.value.length > 0,
        events.counted,
      ] as const,
    ([, phase]) => {
      if (phase === 'open') return void fetch();
      latest++;
      counts.value = null;
    },
    { immediate: true },
  );
  watch(
    () => [visible.value[0]?.address, visible.value.at(-1)?.address],
    () => {
      if (counts.value?.isCounting === true) void fetch();
    },
  );

  const at = computed(() => {
    const known = counts.value;
    if (known?.isCounting !== true) return undefined;
    const most = known.all.reduce((max, each) => Math.max(max, each), 1);
    return new Map(
      Array.from(known.addresses, (address, i): [number, InstructionCount] => {
        const all = known.all[i] ?? 0;
        return [
          address,
          {
            own: known.own[i] ?? 0,
            all,
            taken: known.taken[i] ?? 0,
            heat: all / most,
            harts: known.harts.map((column) => column.counts[i] ?? 0),
          },
        ];
      }),
    );
  });
  const names = computed(() => counts.value?.harts.map(({ name }) => name) ?? []);
  const covers = computed(() => counts.value?.covers);
  return { at, width, names, covers };
}
