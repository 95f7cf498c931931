import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import type { GrantedFolder } from '../../preload/api';
import { useLog } from './log';
import { useMachine } from './machine';

/** Folders of the host that the open program may use. Main keeps them and asks the user. */
export const useFolders = defineStore('folders', () => {
  const machine = useMachine();
  const log = useLog();
  const granted = shallowRef<readonly GrantedFolder[]>([]);

  watch(
    () => machine.program?.sha256,
    async (sha256) => {
      granted.value = [];
      if (sha256 === undefined) return;
      try {
        const list = await window.hartscope.grantedFolders(sha256);
        if (sha256 === machine.program?.sha256) granted.value = list;
      } catch (error) {
        log.fail(error);
      }
    },
    { immediate: true },
  );

  function program(): string {
    if (machine.program === null) throw new Error('No program is open: open one first.');
    return machine.program.sha256;
  }

  /** Asks for a folder and grants it; it holds from the program's next start. */
  async function grant(guestPath: string, writable: boolean): Promise<void> {
    const before = granted.value;
    granted.value = await window.hartscope.grantFolder(program(), guestPath, writable);
    if (JSON.stringify(before) !== JSON.stringify(granted.value)) note();
  }

  async function revoke(guestPath: string): Promise<void> {
    granted.value = await window.hartscope.revokeFolder(program(), guestPath);
    note();
  }

  const note = (): void =>
    log.add('The program has these folders when it starts again (Ctrl+Shift+F5).', 'info');

  return { granted, grant, revoke };
});
