import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { parseSchedule } from '../../emulator/schedule/options';
import type { GuestInfo, ProgramFile, RecentFile } from '../../preload/api';
import { joinWords, splitWords } from '../words';
import { useLog } from './log';
import { useMachine } from './machine';

/** What is chosen in the Guests pane: a bundled guest or a file. */
export type Choice =
  | { readonly kind: 'guest'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** What can be opened, and how. */
export const usePrograms = defineStore('programs', () => {
  const log = useLog();
  const machine = useMachine();

  const guests = shallowRef<readonly GuestInfo[]>([]);
  const recent = shallowRef<readonly RecentFile[]>([]);
  const choice = shallowRef<Choice | null>(null);
  /** Arguments as one line, quoted as a shell would take them. */
  const args = ref('');
  /** One `NAME=value` a line. */
  const environment = ref('');
  /** `interleaved[:quantum[:seed]]`; empty: parallel. */
  const schedule = ref('');

  /** Whether the guest that is open starts vCPUs. */
  const isMultiprocess = computed(() => {
    const { program } = machine;
    const guest = guests.value.find(({ name }) => name === program?.name);
    return program?.path === undefined && (guest?.tags.includes('multiprocess') ?? false);
  });

  function choose(next: Choice): void {
    choice.value = next;
    const guest = next.kind === 'guest' && guests.value.find(({ name }) => name === next.name);
    args.value = guest ? joinWords(guest.arguments) : '';
  }

  async function openChoice(): Promise<void> {
    const chosen = choice.value;
    if (chosen === null) return;
    await openFrom(() =>
      chosen.kind === 'guest'
        ? window.hartscope.readGuest(chosen.name)
        : window.hartscope.readRecent(chosen.path),
    );
  }

  async function openGuest(name: string): Promise<void> {
    choose({ kind: 'guest', name });
    await openChoice();
  }

  async function openRecent(path: string): Promise<void> {
    choose({ kind: 'file', path });
    await openChoice();
  }

  const chooseFile = (): Promise<void> => openNew(() => window.hartscope.chooseFile());
  const openDropped = (file: File): Promise<void> =>
    openNew(() => window.hartscope.readDropped(file));

  /** Opens a file that was not in the list; its fields start empty. */
  async function openNew(read: () => Promise<ProgramFile | null>): Promise<void> {
    await openFrom(async () => {
      const file = await read();
      if (file?.path !== undefined) choose({ kind: 'file', path: file.path });
      return file;
    });
  }

  async function openFrom(read: () => Promise<ProgramFile | null>): Promise<void> {
    try {
      const file = await read();
      if (file === null) return;
      const words = splitWords(args.value);
      const variables = environment.value.split('\n').filter((line) => line.trim() !== '');
      const odd = variables.find((line) => !/^[^=\s]+=/.test(line));
      if (odd !== undefined) throw new Error(`Environment: "${odd}" is not NAME=value.`);
      const order = schedule.value.trim();
      await machine.open(file, {
        args: words,
        environment: variables,
        ...(order !== '' && { schedule: parseSchedule(order) }),
      });
    } catch (error) {
      log.fail(error);
    } finally {
      recent.value = await window.hartscope.recent();
    }
  }

  return {
    guests,
    recent,
    choice,
    args,
    environment,
    schedule,
    isMultiprocess,
    choose,
    openChoice,
    openGuest,
    openRecent,
    chooseFile,
    openDropped,
  };
});
