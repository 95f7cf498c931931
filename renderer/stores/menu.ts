import { defineStore } from 'pinia';
import { shallowRef } from 'vue';

export interface ContextItem {
  readonly title: string;
  readonly run: () => unknown;
  readonly disabled?: boolean;
  readonly checked?: boolean;
}

/** The one context menu that can be open. */
export const useContextMenu = defineStore('context-menu', () => {
  const open = shallowRef<{
    readonly x: number;
    readonly y: number;
    readonly items: readonly ContextItem[];
  } | null>(null);

  /** Opens at the pointer, or below the element when the keyboard asked for it. */
  function show(event: MouseEvent, items: readonly ContextItem[], from?: Element | null): void {
    event.preventDefault();
    const byKeyboard = event.button !== 2;
    const box = byKeyboard ? from?.getBoundingClientRect() : undefined;
    open.value = { x: box?.left ?? event.clientX, y: box?.bottom ?? event.clientY, items };
  }

  function close(): void {
    open.value = null;
  }

  return { open, show, close };
});

/** Puts a text on the clipboard. */
export const copyItem = (title: string, text: string): ContextItem => ({
  title,
  run: () => navigator.clipboard.writeText(text),
});
