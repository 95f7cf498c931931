import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { parseSchedule } from '../../emulator/schedule/options';
import type { GuestInfo, ProgramFile, RecentFile } from '../../preload/api';
import { joinWords, splitWords } from '../words';
import { useLog } from './log';
import { useMachine } from './machine';
import { useSession, type StartFields } from './session';

/** What a new window opens with: four vCPUs that continue where `multiprocess` was called. */
const FIRST = { guest: 'mp-dot', arguments: 'post', stopAt: 'call multiprocess' };

/** What is chosen in the Guests pane: a bundled guest or a file. */
export type Choice =
  | { readonly kind: 'guest'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** What can be opened, and how. */
export const usePrograms = defineStore('programs', () => {
  const log = useLog();
  const machine = useMachine();
  const session = useSession();

  const guests = shallowRef<readonly GuestInfo[]>([]);
  const recent = shallowRef<readonly RecentFile[]>([]);
  const choice = shallowRef<Choice | null>(null);
  /** Arguments as one line, quoted as a shell would take them. */
  const args = ref('');
  /** One `NAME=value` a line. */
  const environment = ref('');
  /** `interleaved[:quantum[:seed]]`; empty: parallel. */
  const schedule = ref('');
  /** The fields as they were filled in: what the user has changed since is not overwritten. */
  let filled: StartFields = fields();

  function fields(): StartFields {
    return { arguments: args.value, environment: environment.value, schedule: schedule.value };
  }

  function fill(given: StartFields): void {
    args.value = given.arguments;
    environment.value = given.environment;
    schedule.value = given.schedule;
    filled = fields();
  }

  const isUntouched = (): boolean => JSON.stringify(fields()) === JSON.stringify(filled);

  /** Whether the guest that is open starts vCPUs. */
  const isMultiprocess = computed(() => {
    const { program } = machine;
    const guest = guests.value.find(({ name }) => name === program?.name);
    return program?.path === undefined && (guest?.tags.includes('multiprocess') ?? false);
  });

  /** Fills the fields: with what the open program was started with, or with what the guest usually is. */
  function choose(next: Choice): void {
    const isSame = JSON.stringify(choice.value) === JSON.stringify(next);
    // What was written for it stays.
    if (isSame && !isUntouched()) return;
    const isFirst = choice.value === null;
    choice.value = next;
    const started = isOpen(next) ? session.started() : null;
    if (started !== null) return fill(started);
    const guest = next.kind === 'guest' && guests.value.find(({ name }) => name === next.name);
    fill({
      arguments: guest ? joinWords(guest.arguments) : '',
      environment: isFirst ? environment.value : '',
      schedule: isFirst ? schedule.value : '',
    });
  }

  function isOpen(which: Choice): boolean {
    const { program } = machine;
    if (machine.phase === 'none' || program === null) return false;
    return which.kind === 'file'
      ? program.path === which.path
      : program.path === undefined && program.name === which.name;
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

  /** Opens the guest that a new window begins with, stopped before its vCPUs start. */
  async function openFirst(): Promise<void> {
    choose({ kind: 'guest', name: FIRST.guest });
    args.value = FIRST.arguments;
    await openFrom(async () => ({
      ...(await window.hartscope.readGuest(FIRST.guest)),
      stopAt: FIRST.stopAt,
    }));
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
      const again = machine.phase !== 'none' && machine.program?.sha256 === file.sha256;
      const kept = await session.load(file);
      session.restore(kept);
      if (kept !== null && !again && isUntouched()) fill(kept);
      const start = fields();
      const words = splitWords(args.value);
      const variables = environment.value.split('\n').filter((line) => line.trim() !== '');
      const odd = variables.find((line) => !/^[^=\s]+=/.test(line));
      if (odd !== undefined) throw new Error(`Environment: "${odd}" is not NAME=value.`);
      const order = schedule.value.trim();
      const options = {
        args: words,
        environment: variables,
        ...(order !== '' && { schedule: parseSchedule(order) }),
      };
      await machine.open(file, options, kept?.breakpoints);
      if (machine.program === file && machine.phase === 'open') session.begin(file, start);
    } catch (error) {
      log.fail(error);
    } finally {
      recent.value = await window.hartscope.recent();
    }
  }

  /** Puts an exported session in the place of the open program's. */
  async function importSession(): Promise<void> {
    const imported = await session.importFile();
    if (imported !== null) fill(imported);
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
    openFirst,
    openGuest,
    openRecent,
    chooseFile,
    openDropped,
    importSession,
    exportSession: session.exportFile,
  };
});
