import { computed, shallowRef, watch, type ComputedRef } from 'vue';
import type { RegisterTable } from '../../../emulator/debug/protocol';
import type { NumberFormat } from '../../format';
import { useLog } from '../../stores/log';
import { useMachine } from '../../stores/machine';
import { useSymbolNames } from '../../stores/symbol-names';
import { useWatches, type WatchResult } from '../../stores/watches';
import { usePaneRevision } from '../pane-revision';
import { expressionRow, keepRows, matrixRows, type MatrixRow } from './register-rows';

type Watched = ReadonlyMap<string, WatchResult>;
interface Snapshot {
  readonly table: RegisterTable;
  readonly watched: Watched;
}

/** The matrix's harts and rows, fetched at every stop and compared with the stop before. */
export function useMatrix(formats: () => Readonly<Record<string, NumberFormat>>): {
  readonly harts: ComputedRef<readonly number[]>;
  readonly rows: ComputedRef<readonly MatrixRow[]>;
} {
  const machine = useMachine();
  const watches = useWatches();
  const names = useSymbolNames();
  const log = useLog();
  const now = shallowRef<Snapshot | null>(null);
  const earlier = shallowRef<Snapshot | null>(null);
  let shownStop = 0;

  const { revision, hasMissed } = usePaneRevision('registers');
  watch(
    () => [revision.value, machine.phase] as const,
    async ([, phase]) => {
      if (phase !== 'open') return;
      const stop = machine.stops;
      try {
        const [table, watched] = await Promise.all([
          machine.requests().registersOfAll(),
          watches.evaluate(),
        ]);
        if (stop !== machine.stops) return;
        // Marked is what the last stop has changed, not what changed while nobody looked.
        if (stop !== shownStop) earlier.value = hasMissed(stop) ? null : now.value;
        shownStop = stop;
        now.value = { table, watched };
      } catch (error) {
        if (machine.phase === 'open') log.fail(error);
      }
    },
    { immediate: true },
  );

  const harts = computed(() => now.value?.table.harts ?? []);
  const rows = computed((before?: readonly MatrixRow[]): readonly MatrixRow[] => {
    if (now.value === null) return [];
    const { table, watched } = now.value;
    const writing = { formats: formats(), nameOf: names.nameOf };
    const expressions = watches.expressions.map((text) => {
      const result = watched.get(text) ?? { values: [] };
      const then = earlier.value?.watched.get(text)?.values ?? [];
      return expressionRow(text, table.harts, result, then, writing);
    });
    const registers = matrixRows(table, earlier.value?.table ?? null, writing);
    return keepRows([...expressions, ...registers], before ?? []);
  });

  // Names are asked for when a row is to show them.
  watch(rows, async (shown) => {
    const named = shown.filter(({ format }) => format === 'symbol');
    try {
      await names.need(named.flatMap(({ cells }) => cells.flatMap(({ bits }) => bits ?? [])));
    } catch (error) {
      if (machine.phase === 'open') log.fail(error);
    }
  });

  return { harts, rows };
}
