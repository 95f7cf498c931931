import { onBeforeUnmount, watch } from 'vue';
import { useMachine } from '../stores/machine';
import { useView } from '../stores/view';
import type { PaneId } from './layout';
import { usePaneRevision } from './pane-revision';

interface LiveData {
  /** Gets what the pane shows; called while a program is open and somebody can see the pane. */
  readonly fetch: () => Promise<void>;
  /** No program is open: the machine's phase says why. */
  readonly clear: (phase: string) => void;
  /** While the guest runs the data is fetched this often, in milliseconds; more rarely when answers take long. */
  readonly every: number;
}

/** After an answer the pane leaves the machine alone for so many times as long as it took. */
const PAUSE = 0.25;

/**
 * Keeps what a pane shows as new as the machine's state. A pane that nobody sees is left as it is, and catches up when
 * it comes to the front.
 * @returns fetches now, if somebody can see it
 */
export function useLiveData(pane: PaneId, { fetch, clear, every }: LiveData): () => Promise<void> {
  const machine = useMachine();
  const view = useView();
  const { revision } = usePaneRevision(pane);
  let polling: ReturnType<typeof setTimeout> | undefined;

  async function update(): Promise<void> {
    if (machine.phase === 'open' && view.isInSight(pane)) await fetch();
  }

  async function poll(): Promise<void> {
    const start = performance.now();
    await update();
    const took = performance.now() - start;
    const pause = Math.max(every - took, PAUSE * took);
    if (machine.busy) polling = setTimeout(() => void poll(), pause);
  }

  watch(
    () => [revision.value, machine.phase] as const,
    ([, phase]) => {
      if (phase === 'open') void update();
      else clear(phase);
    },
    { immediate: true },
  );
  watch(
    () => machine.busy,
    (busy) => {
      clearTimeout(polling);
      if (busy) void poll();
    },
  );
  onBeforeUnmount(() => clearTimeout(polling));
  return update;
}
