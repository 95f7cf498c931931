import { defineStore } from 'pinia';
import { ref, shallowRef, watch } from 'vue';
import { DebugConsole, type Completion } from '../../emulator/debug/console/console';
import type { ConsoleMachine } from '../../emulator/debug/console/console-types';
import type { MachineRequests, MachineState } from '../../emulator/debug/protocol';
import { useMachine } from './machine';

/** Most lines that are kept. */
const MOST_ENTRIES = 2000;

export interface ConsoleEntry {
  readonly id: number;
  readonly kind: 'command' | 'answer' | 'error';
  readonly text: string;
}

/** The console of the window's machine: the verbs of `hartscope debug`. */
export const useConsole = defineStore('console', () => {
  const machine = useMachine();
  const entries = shallowRef<readonly ConsoleEntry[]>([]);
  const history = ref<string[]>([]);
  const busy = ref(false);
  let count = 0;
  let open: { readonly requests: MachineRequests; readonly console: DebugConsole } | null = null;

  function add(kind: ConsoleEntry['kind'], text: string): void {
    if (text === '') return;
    entries.value = [...entries.value, { id: ++count, kind, text }].slice(-MOST_ENTRIES);
  }

  /** The machine's next stop. */
  function stopped(): Promise<MachineState> {
    const { state } = machine;
    if (state && !state.running) return Promise.resolve(state);
    return new Promise((resolve, reject) => {
      const end = watch(
        () => machine.state,
        (next) => {
          if (next?.running === true) return;
          end();
          if (next) resolve(next);
          else reject(new Error('The machine was closed.'));
        },
        { flush: 'sync' },
      );
    });
  }

  /** The console of the machine that is open now. */
  function current(): DebugConsole {
    const requests = machine.requests();
    if (open?.requests !== requests) {
      const consoleMachine: ConsoleMachine = { requests, stopped };
      open = { requests, console: new DebugConsole(consoleMachine) };
    }
    open.console.hart = machine.focusHart;
    return open.console;
  }

  /** Does a line; the answer is added when it is there. */
  async function execute(line: string): Promise<void> {
    add('command', line);
    if (line.trim() !== '' && history.value.at(-1) !== line) history.value.push(line);
    busy.value = true;
    try {
      const console = current();
      const { text } = await console.execute(line);
      add('answer', text);
      if (machine.state?.harts.some(({ id }) => id === console.hart) === true) {
        machine.focusHart = console.hart;
      }
      if (!machine.running) machine.touched();
    } catch (error) {
      add('error', error instanceof Error ? error.message : String(error));
    } finally {
      busy.value = false;
    }
  }

  const complete = (line: string): Promise<Completion> => current().complete(line);

  function clear(): void {
    entries.value = [];
  }

  return { entries, history, busy, execute, complete, clear };
});
