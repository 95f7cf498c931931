import { computed, watch, type ComputedRef } from 'vue';
import { useMachine } from '../stores/machine';
import { useView } from '../stores/view';
import type { PaneId } from './layout';

/** Below every revision. */
const NONE = -1;

interface PaneRevision {
  /** The machine's revision; it stands still while all of the panes stand behind others. */
  readonly revision: ComputedRef<number>;
  /** Whether the stop is the first one in sight after others that nobody saw: what it changed is not known. */
  readonly hasMissed: (stop: number) => boolean;
}

/**
 * How far something that these panes show has to follow the machine: while all of them stand behind others nothing is
 * fetched for them, and they catch up when one comes to the front.
 */
export function usePaneRevision(...panes: readonly PaneId[]): PaneRevision {
  const machine = useMachine();
  const view = useView();
  const isInSight = computed(() => panes.some(view.isInSight));
  let left = 0;
  let returned = -1;
  watch(
    isInSight,
    (isBack) => {
      if (!isBack) left = machine.stops;
      else if (machine.stops > left + 1) returned = machine.stops;
    },
    { flush: 'sync' },
  );
  return {
    // A pane that has been behind others from its beginning has seen none.
    revision: computed((before = NONE) => (isInSight.value ? machine.revision : before)),
    hasMissed: (stop) => stop === returned,
  };
}
