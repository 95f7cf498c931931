import { defineStore } from 'pinia';
import { shallowRef } from 'vue';

export type LogLevel = 'info' | 'warning' | 'error';

export interface LogEntry {
  readonly id: number;
  readonly time: Date;
  readonly level: LogLevel;
  readonly text: string;
}

const MAX_ENTRIES = 1000;

/** One-line messages: from the machine, from main and from the window itself. */
export const useLog = defineStore('log', () => {
  const entries = shallowRef<readonly LogEntry[]>([]);
  /** What the status line shows. */
  const last = shallowRef<LogEntry | null>(null);
  let count = 0;

  function add(text: string, level: LogLevel = 'info'): void {
    const entry = { id: ++count, time: new Date(), level, text };
    entries.value = [...entries.value.slice(1 - MAX_ENTRIES), entry];
    last.value = entry;
  }

  /** Shows an error's message. */
  const fail = (error: unknown): void =>
    add(error instanceof Error ? error.message : String(error), 'error');

  function clear(): void {
    entries.value = [];
    last.value = null;
  }

  /** The user has gone on: the last message is old news, though it stays in the log. */
  function dismiss(): void {
    last.value = null;
  }

  return { entries, last, add, fail, clear, dismiss };
});
