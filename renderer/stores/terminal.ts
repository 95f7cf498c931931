import { defineStore } from 'pinia';
import { ref } from 'vue';

/** What shows the guest's output: the Terminal pane. */
export interface TerminalScreen {
  write(bytes: Uint8Array): void;
  reset(): void;
}

/** Output kept for a screen that comes later, in bytes. */
const MAX_KEPT = 1 << 20;

/** The guest's output on its way to the screen, and the size the guest is told. */
export const useTerminal = defineStore('terminal', () => {
  const size = ref({ columns: 80, rows: 24 });
  let screen: TerminalScreen | null = null;
  let kept: Uint8Array[] = [];
  let keptBytes = 0;

  function write(bytes: Uint8Array): void {
    kept.push(bytes);
    keptBytes += bytes.length;
    while (keptBytes > MAX_KEPT && kept.length > 1) keptBytes -= kept.shift()?.length ?? 0;
    screen?.write(bytes);
  }

  function reset(): void {
    kept = [];
    keptBytes = 0;
    screen?.reset();
  }

  /** Shows what has been written so far and everything to come; the result ends it. */
  function attach(to: TerminalScreen): () => void {
    screen = to;
    for (const bytes of kept) to.write(bytes);
    return () => {
      if (screen === to) screen = null;
    };
  }

  return { size, write, reset, attach };
});
