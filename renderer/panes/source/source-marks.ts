import { shallowRef, watch, type ShallowRef } from 'vue';
import type { Breakpoint, HartInfo } from '../../../emulator/debug/protocol';
import { useMachine } from '../../stores/machine';
import { useSources } from '../../stores/sources';
import type { WhileOpen } from '../while-open';

const NONE: readonly HartInfo[] = [];

type Marks<T> = Readonly<ShallowRef<ReadonlyMap<number, T>>>;

/** What stands at the lines of the file that is shown; keys are line numbers. */
interface SourceMarks {
  readonly hartsAt: Marks<number[]>;
  readonly breakpointAt: Marks<Breakpoint>;
}

/** Keeps the marks of the file that is shown as new as the machine's state. */
export function useSourceMarks(whileOpen: WhileOpen): SourceMarks {
  const machine = useMachine();
  const sources = useSources();

  /**
   * Places things at their lines whenever they or the file change.
   * @param find the things, with their addresses
   */
  function marks<T, M>(
    find: () => readonly T[],
    addressOf: (each: T) => number | undefined,
    merge: (each: T, there: M | undefined) => M,
  ): ShallowRef<ReadonlyMap<number, M>> {
    const shown = shallowRef<ReadonlyMap<number, M>>(new Map());
    /** Marks of another file that come late are dropped. */
    let latest = 0;
    const place = async (things: readonly T[], path: string | null): Promise<void> => {
      const mine = ++latest;
      const found = new Map<number, M>();
      for (const each of things) {
        const address = addressOf(each);
        const line = address === undefined ? undefined : await sources.lineAt(address);
        if (line && line.path === path) found.set(line.line, merge(each, found.get(line.line)));
      }
      if (mine === latest) shown.value = found;
    };
    watch(
      () => [find(), sources.path] as const,
      ([things, path]) => void whileOpen(() => place(things, path)),
      { immediate: true },
    );
    return shown;
  }

  const hartsAt = marks(
    () => machine.shown?.harts ?? NONE,
    ({ state, location }) => (state === 'ended' ? undefined : location.address),
    ({ id }, there: number[] = []) => [...there, id],
  );
  const breakpointAt = marks(
    () => machine.breakpoints,
    ({ kind = 'code', location }) => (kind === 'code' ? location?.address : undefined),
    (each) => each,
  );
  return { hartsAt, breakpointAt };
}
