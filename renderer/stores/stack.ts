import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import type { StackInfo, VariableInfo } from '../../emulator/debug/protocol-source';
import { useLog } from './log';
import { usePaneRevision } from '../panes/pane-revision';
import { useMachine } from './machine';

/** Activations that are asked for; a deep recursion shows its innermost ones. */
const MOST_FRAMES = 200;
/** Parts of a variable that are fetched at once. */
const PARTS_AT_ONCE = 100;

/** A row of the tree of variables. */
export interface VariableRow {
  /** Numbers that lead to it: of the variable, then of the parts. */
  readonly path: readonly number[];
  readonly key: string;
  readonly variable: VariableInfo;
  readonly depth: number;
  readonly open: boolean;
  /** The value differs from that of the last stop. */
  readonly changed: boolean;
  /** Parts of it that are not fetched yet: shown as a row of its own. */
  readonly more?: number;
}

/** The call stack of the focused hart, the frame that is looked at, and its variables. */
export const useStack = defineStore('stack', () => {
  const machine = useMachine();
  const log = useLog();
  const stack = shallowRef<StackInfo | null>(null);
  const frame = ref(0);
  const variables = shallowRef<readonly VariableInfo[]>([]);
  /** Parts of opened variables by their path. */
  const parts = shallowRef(new Map<string, readonly VariableInfo[]>());
  /** Which variables are open, by their names along the path: they stay open from stop to stop. */
  const opened = ref(new Set<string>());
  /** Values at the stop before, by names. */
  let before = new Map<string, string>();
  let now = new Map<string, string>();
  let latest = 0;
  let stop = -1;

  const selected = computed(() => stack.value?.frames[frame.value]);
  const place = computed(() => selected.value?.place);

  async function fetch(): Promise<void> {
    const mine = ++latest;
    const hart = machine.focusHart;
    try {
      const found = await machine.requests().stack(hart, MOST_FRAMES);
      if (mine !== latest) return;
      const same = stack.value?.hart === hart && machine.stops === stop;
      stack.value = found;
      if (!same || frame.value >= found.frames.length) frame.value = 0;
      if (machine.stops !== stop) {
        stop = machine.stops;
        before = hasMissed(stop) ? new Map<string, string>() : now;
        now = new Map();
      }
      await fetchVariables(mine);
    } catch (error) {
      if (mine === latest && machine.phase === 'open') log.fail(error);
    }
  }

  async function fetchVariables(mine: number): Promise<void> {
    const found = await machine.requests().variables(machine.focusHart, frame.value);
    if (mine !== latest) return;
    const fetched = new Map<string, readonly VariableInfo[]>();
    const open = async (list: readonly VariableInfo[], path: number[], key: string) => {
      for (const [index, variable] of list.entries()) {
        const name = `${key}/${variable.name}`;
        if (!opened.value.has(name) || variable.parts === 0) continue;
        const inner = [...path, index];
        const children = await fetchParts(inner, 0, PARTS_AT_ONCE);
        fetched.set(inner.join('.'), children);
        await open(children, inner, name);
      }
    };
    await open(found, [], '');
    if (mine !== latest) return;
    parts.value = fetched;
    variables.value = found;
    noteValues();
  }

  /** Keeps what is shown, for the next stop to be compared with. */
  function noteValues(): void {
    for (const { key, variable, more } of rows.value) {
      if (more === undefined) now.set(frameName() + key, variable.value);
    }
  }

  const fetchParts = (
    [root, ...rest]: readonly number[],
    start: number,
    count: number,
  ): Promise<readonly VariableInfo[]> =>
    machine.requests().variableParts(machine.focusHart, frame.value, root ?? 0, rest, start, count);

  const { revision, hasMissed } = usePaneRevision('source', 'stacks');
  watch(
    () => [revision.value, machine.focusHart, machine.phase, machine.busy] as const,
    ([, , phase, busy]) => {
      if (phase === 'open' && !busy) void fetch();
      else if (phase === 'none' || phase === 'opening') {
        latest++;
        stack.value = null;
        variables.value = [];
        frame.value = 0;
        now = new Map();
      }
    },
    { immediate: true },
  );

  /** Looks at another frame. */
  async function select(number: number): Promise<void> {
    frame.value = number;
    const mine = ++latest;
    await fetchVariables(mine);
  }

  /** The rows of the tree that are in sight when all opened variables are shown. */
  const rows = computed(() => {
    const list: VariableRow[] = [];
    const add = (of: readonly VariableInfo[], path: number[], key: string, depth: number): void => {
      for (const [index, variable] of of.entries()) {
        const name = `${key}/${variable.name}`;
        const inner = [...path, index];
        const children = parts.value.get(inner.join('.'));
        const old = before.get(frameName() + name);
        const changed = old !== undefined && old !== variable.value;
        const open = opened.value.has(name) && children !== undefined;
        list.push({ path: inner, key: name, variable, depth, open, changed });
        if (!open) continue;
        add(children, inner, name, depth + 1);
        const rest = variable.parts - children.length;
        if (rest > 0) {
          const more = { path: inner, key: `${name}/…`, variable, depth: depth + 1, more: rest };
          list.push({ ...more, open: false, changed: false });
        }
      }
    };
    add(variables.value, [], '', 0);
    return list;
  });

  const frameName = (): string =>
    `${machine.focusHart} ${selected.value?.name} ${selected.value?.cfa} `;

  /** Opens or closes a variable, or fetches more of its parts. */
  async function toggle(row: VariableRow): Promise<void> {
    const id = row.path.join('.');
    if (row.more !== undefined) {
      const known = parts.value.get(id) ?? [];
      const more = await fetchParts(row.path, known.length, PARTS_AT_ONCE);
      parts.value = new Map(parts.value).set(id, [...known, ...more]);
      return;
    }
    if (row.variable.parts === 0) return;
    const names = new Set(opened.value);
    if (row.open) names.delete(row.key);
    else {
      names.add(row.key);
      const children = await fetchParts(row.path, 0, PARTS_AT_ONCE);
      parts.value = new Map(parts.value).set(id, children);
    }
    opened.value = names;
    noteValues();
  }

  return { stack, frame, selected, place, variables, rows, select, toggle };
});
