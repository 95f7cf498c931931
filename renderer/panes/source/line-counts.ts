/** How many instructions have run on the lines of the shown file, where the machine counts. */
import { computed, shallowRef, watch, type ComputedRef } from 'vue';
import type { LineCounts } from '../../../emulator/debug/protocol-profile';
import type { TimeRange } from '../../../emulator/profile/timed-samples';
import { grouped } from '../../format';
import { useEventRange } from '../../stores/event-range';
import { useMachine } from '../../stores/machine';
import { usePaneRevision } from '../pane-revision';
import type { WhileOpen } from '../while-open';

/** What the Source pane shows beside a line. */
export interface LineCount {
  /** Instructions by the focused hart, and by all. */
  readonly own: number;
  readonly all: number;
  /** `all` by the largest of the file. */
  readonly heat: number;
  /** Instructions by each hart, as `names` has them. */
  readonly harts: readonly number[];
}

export function useLineCounts(
  path: ComputedRef<string | null>,
  whileOpen: WhileOpen,
): {
  /** By line; undefined while nothing is counted. */
  readonly at: ComputedRef<ReadonlyMap<number, LineCount> | undefined>;
  /** Characters of the widest number. */
  readonly width: ComputedRef<number>;
  /** The harts that have run some of them. */
  readonly names: ComputedRef<readonly string[]>;
  /** What the counts of a part of the time really cover. */
  readonly covers: ComputedRef<TimeRange | undefined>;
} {
  const machine = useMachine();
  const events = useEventRange();
  const counts = shallowRef<LineCounts | null>(null);
  let latest = 0;

  const { revision } = usePaneRevision('source');
  watch(
    () => [revision.value, machine.phase, machine.focusHart, path.value, events.counted] as const,
    ([, phase, hart, file, part]) => {
      const mine = ++latest;
      if (phase !== 'open' || file === null) {
        counts.value = null;
        return;
      }
      void whileOpen(async () => {
        const answer = await machine.requests().lineCounts(file, hart, part);
        if (mine === latest) counts.value = answer;
      });
    },
    { immediate: true },
  );

  const at = computed(() => {
    const known = counts.value;
    if (known?.isCounting !== true) return undefined;
    const most = known.all.reduce((max, each) => Math.max(max, each), 1);
    return new Map(
      Array.from(known.lines, (line, i): [number, LineCount] => {
        const all = known.all[i] ?? 0;
        const harts = known.harts.map((column) => column.counts[i] ?? 0);
        return [line, { own: known.own[i] ?? 0, all, heat: all / most, harts }];
      }),
    );
  });
  const width = computed(
    () => counts.value?.all.reduce((most, each) => Math.max(most, grouped(each).length), 3) ?? 3,
  );
  const names = computed(() => counts.value?.harts.map(({ name }) => name) ?? []);
  const covers = computed(() => counts.value?.covers);
  return { at, width, names, covers };
}
