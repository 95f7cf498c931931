import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { ProfileInfo } from '../../emulator/debug/protocol-profile';
import { parseProfileList, type ComparedRun } from '../../emulator/profile/comparison';
import { plainFlames } from '../../emulator/profile/flame';
import { useLog } from './log';

/** Larger files are no lists of a profile, in bytes. */
const LARGEST_FILE = 64 << 20;

/** The run that profiles are compared with: one that was kept, or that was read from a file. */
export const useEarlierRun = defineStore('earlier-run', () => {
  const log = useLog();
  const run = shallowRef<ComparedRun | null>(null);
  /** What it is called: where it comes from. */
  const title = ref('');

  function keep(info: ProfileInfo, name: string): void {
    const { unit, instructions, functions, lines, flame } = info;
    run.value = { unit, instructions, functions, lines, flame: plainFlames(flame) };
    title.value = name;
  }

  function forget(): void {
    run.value = null;
  }

  /** Asks where to, and writes the run as `hartscope profile --compare` reads it. */
  async function save(): Promise<void> {
    if (run.value === null) throw new Error('No run is kept: there is nothing to save.');
    const text = `${JSON.stringify(run.value)}\n`;
    const path = await window.hartscope.saveText('profile.json', text);
    if (path !== null) log.add(`The earlier run was saved to ${path}.`);
  }

  /** Takes what `hartscope profile --json` has printed, or `save` has written. */
  async function load(file: File): Promise<void> {
    try {
      if (file.size > LARGEST_FILE) throw new Error('it is larger than 64 MiB');
      run.value = parseProfileList(await file.text());
      title.value = file.name;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.add(`${file.name} cannot be compared with: ${reason}`, 'error');
    }
  }

  return { run, title, keep, forget, save, load };
});
