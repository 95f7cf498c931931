import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import { specOf } from '../../emulator/debug/breakpoint-spec';
import type { ProgramFile } from '../../preload/api';
import { newSession, parseSession, type Session } from '../../preload/session-file';
import { useLog } from './log';
import { useMachine } from './machine';
import { useRegisterFormats } from './register-formats';
import { useView } from './view';
import { useWatches } from './watches';

/** How a program is started, as the Guests pane has it. */
export type StartFields = Pick<Session, 'arguments' | 'environment' | 'schedule'>;

/** Changes within this time are written together, in milliseconds. */
const WRITE_DELAY_MS = 250;

/** The work on the open program: kept when it changes, and put back when the program is opened again. */
export const useSession = defineStore('session', () => {
  const log = useLog();
  const machine = useMachine();
  const watches = useWatches();
  const formats = useRegisterFormats();
  const view = useView();

  /** The program whose session is kept now, and how it was started. */
  const active = shallowRef<{ program: Session['program']; start: StartFields } | null>(null);
  let written = '';
  let waiting: Session | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** The open program's session as it is; null while none is open. */
  function current(): Session | null {
    if (active.value === null || machine.phase !== 'open') return null;
    return newSession({
      program: active.value.program,
      ...active.value.start,
      // What a run-to has set goes with its stop.
      breakpoints: machine.breakpoints.map(specOf).filter(({ temporary }) => temporary !== true),
      watches: [...watches.expressions],
      formats: { ...formats.formats },
      layout: view.layout,
    });
  }

  watch(
    [
      active,
      () => machine.breakpoints,
      () => watches.expressions,
      () => formats.formats,
      () => view.layout,
    ],
    () => {
      const now = current();
      if (now === null) return;
      waiting = now;
      timer ??= setTimeout(() => void flush(), WRITE_DELAY_MS);
    },
  );
  window.addEventListener('pagehide', () => void flush());

  /** Writes what waits to be written. */
  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const session = waiting;
    waiting = null;
    if (session === null) return;
    const text = JSON.stringify(session);
    if (text === written) return;
    written = text;
    try {
      // A plain copy: what the dock gives may hold what cannot be sent.
      const plain = JSON.parse(text) as Session;
      await window.hartscope.writeSession(session.program.sha256, plain);
    } catch (error) {
      log.fail(error);
    }
  }

  /** Ends keeping the open program's session, and reads what is kept of the next one. */
  async function load(file: ProgramFile): Promise<Session | null> {
    await flush();
    active.value = null;
    const { session, problem } = await window.hartscope.readSession(file.sha256);
    if (problem !== undefined)
      log.add(`The session of ${file.name} is not restored. ${problem}`, 'warning');
    return session;
  }

  /** Puts back what the window shows of a program; of one that has no session, the usual. */
  function restore(session: Session | null): void {
    watches.replace(session?.watches ?? []);
    formats.replace(session?.formats ?? {});
    if (session?.layout) view.rearrange(session.layout);
  }

  /** Keeps the open program's session from now on. */
  function begin({ name, sha256 }: ProgramFile, start: StartFields): void {
    active.value = { program: { name, sha256 }, start };
  }

  /** How the open program was started. */
  const started = (): StartFields | null => active.value?.start ?? null;

  /** Asks where to, and writes the open program's session to a file. */
  async function exportFile(): Promise<void> {
    const session = current();
    if (session === null) throw new Error('No program is open: there is no session to export.');
    const text = `${JSON.stringify(session, null, 2)}\n`;
    const path = await window.hartscope.saveText(`${session.program.name}.session.json`, text);
    if (path !== null) log.add(`The session was exported to ${path}.`);
  }

  /**
   * Asks for a session file and puts it in the place of the open program's session; how it starts the program holds
   * from the next start. @returns null when it was cancelled
   */
  async function importFile(): Promise<Session | null> {
    const before = current();
    if (before === null || active.value === null)
      throw new Error('No program is open: open the one that the session is for.');
    const file = await window.hartscope.chooseSession();
    if (file === null) return null;
    const session = parseSession(file.name, file.text);
    restore(session);
    await machine.replaceBreakpoints(session.breakpoints);
    const { arguments: args, environment, schedule } = session;
    active.value = { ...active.value, start: { arguments: args, environment, schedule } };
    const sameProgram = session.program.sha256 === before.program.sha256;
    log.add(
      sameProgram
        ? `${file.name} was imported. Arguments and environment hold from the next opening.`
        : `${file.name} was imported. It was made for another program (${session.program.name}): addresses may differ.`,
      sameProgram ? 'info' : 'warning',
    );
    return session;
  }

  return { load, restore, begin, started, exportFile, importFile };
});
