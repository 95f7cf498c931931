import { defineStore } from 'pinia';
import { ref, shallowRef, triggerRef, watch } from 'vue';
import type { LineInfo, SourcesInfo } from '../../emulator/debug/protocol-source';
import type { SourceText } from '../../preload/api';
import { useMachine } from './machine';

/** Lines of addresses that are remembered. */
const MOST_LINES = 4096;

/** The source of the program that is open: its files, their texts, and which line an address is of. */
export const useSources = defineStore('sources', () => {
  const machine = useMachine();
  const info = shallowRef<SourcesInfo | null>(null);
  /** What is known of each file; a problem stands in the place of a text that was refused. */
  const texts = shallowRef(new Map<string, SourceText | { readonly problem: string }>());
  /** The file that the Source pane shows. */
  const path = ref<string | null>(null);
  const lines = new Map<number, LineInfo | null>();
  /** Which program this is: answers about an earlier one are dropped. */
  let program = 0;

  function forget(): void {
    program++;
    info.value = null;
    texts.value = new Map();
    lines.clear();
    path.value = null;
  }

  async function fetch(): Promise<void> {
    forget();
    const mine = program;
    const found = await machine.requests().sources(machine.focusHart);
    if (mine === program) info.value = found;
  }

  watch(
    () => [machine.info, machine.focusProgram] as const,
    ([opened]) => {
      if (opened === null) forget();
      else void fetch().catch(() => undefined);
    },
    { immediate: true },
  );

  /** Loads the text of a file, once; again after a folder was chosen. */
  async function load(file: string, again = false): Promise<void> {
    if (texts.value.has(file) && !again) return;
    const mine = program;
    const text = await window.hartscope
      .readSource(file)
      .catch((error: unknown) => ({ problem: error instanceof Error ? error.message : '' }));
    if (mine !== program) return;
    texts.value.set(file, text);
    triggerRef(texts);
  }

  /** Asks where the source is, and looks for what is missing there. */
  async function locate(): Promise<void> {
    const folder = await window.hartscope.chooseSourceFolder();
    if (folder === null) return;
    const missing = [...texts.value].filter(([, text]) => !('text' in text));
    await Promise.all(missing.map(([file]) => load(file, true)));
  }

  /** The line that an address is of; null when it is not known. */
  async function lineAt(address: number): Promise<LineInfo | null> {
    const known = lines.get(address);
    if (known !== undefined) return known;
    const mine = program;
    const line = await machine.requests().lineAt(address, machine.focusHart);
    if (mine === program) {
      if (lines.size >= MOST_LINES) lines.clear();
      lines.set(address, line);
    }
    return line;
  }

  return { info, texts, path, load, locate, lineAt };
});
