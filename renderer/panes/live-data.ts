import { onBeforeUnmount, watch, type ShallowRef } from 'vue';
import { useMachine } from '../stores/machine';

interface LiveData {
  /** Gets what the pane shows; called while a program is open and somebody can see the pane. */
  readonly fetch: () => Promise<void>;
  /** No program is open: the machine's phase says why. */
  readonly clear: (phase: string) => void;
  /** While the guest runs the data is fetched this often, in milliseconds; more rarely when answers take long. */
  readonly every: number;
}

/** After an answer that took long the pane leaves the machine alone for so many times as long. */
const PAUSE = 3;

/**
 * Keeps what a pane shows as new as the machine's state. A pane that nobody sees is left as it is, and catches up when
 * it comes to the front.
 * @param root the pane's element
 * @returns fetches now
 */
export function useLiveData(
  root: Readonly<ShallowRef<HTMLElement | null>>,
  { fetch, clear, every }: LiveData,
): () => Promise<void> {
  const machine = useMachine();
  /** A fetch was left out because nobody could see its result. */
  let missed = false;
  let polling: ReturnType<typeof setTimeout> | undefined;
  const isHidden = (): boolean => root.value?.checkVisibility?.() === false;

  async function update(): Promise<void> {
    if (machine.phase !== 'open') return;
    missed = isHidden();
    if (!missed) await fetch();
  }

  async function poll(): Promise<void> {
    const start = performance.now();
    await update();
    const took = performance.now() - start;
    const pause = Math.max(every - took, PAUSE * took);
    if (machine.busy) polling = setTimeout(() => void poll(), pause);
  }

  watch(
    () => [machine.revision, machine.phase] as const,
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
  const seen = new ResizeObserver(() => {
    if (missed && !isHidden()) void update();
  });
  watch(root, (element) => element && seen.observe(element));
  onBeforeUnmount(() => {
    clearTimeout(polling);
    seen.disconnect();
  });
  return update;
}
