/** Every request that a page can make of main. Each checks who sent it and what it carries. */
import {
  BrowserWindow,
  ipcMain,
  MessageChannelMain,
  type IpcMainInvokeEvent,
  type WebContents,
} from 'electron';
import * as v from 'valibot';
import type { StartInfo } from '../preload/api';
import { sessionSchema, sha256Schema } from '../preload/session-file';
import { grantFolder, grantsOf, revokeFolder } from './grants';
import type { MachinePool } from './machine-pool';
import { showMenu } from './menu';
import {
  chooseProgram,
  chooseSession,
  listGuests,
  readGuest,
  readProgram,
  readRecentProgram,
  recentPrograms,
  saveText,
} from './programs';
import { keptGrants, readSession, writeSession } from './sessions';
import { setTheme, theme, themeSchema } from './settings';
import { chooseSourceFolder, noteProgram, readSource } from './sources';
import { isOwnPage, openWindow } from './window';

const text = (longest: number): v.GenericSchema<string> => v.pipe(v.string(), v.maxLength(longest));
const path = text(4096);
const machineId = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const menuEntries = v.pipe(
  v.array(
    v.strictObject({
      command: text(64),
      title: text(128),
      key: v.exactOptional(text(64)),
      menu: v.picklist(['File', 'Run', 'View', 'Help']),
      separated: v.exactOptional(v.boolean()),
    }),
  ),
  v.maxLength(200),
);

/** Answers `channel`; a message from anything but the main frame of the app's own page is refused. */
function handle<T extends unknown[]>(
  channel: string,
  args: v.GenericSchema<T>,
  answer: (window: BrowserWindow, ...args: T) => unknown,
): void {
  ipcMain.handle(channel, (event, ...given: unknown[]) => {
    const window = sender(event);
    if (window === null) throw new Error(`${channel}: refused, not sent by the app's own page.`);
    const result = v.safeParse(args, given);
    if (!result.success) throw new Error(`${channel}: ${v.summarize(result.issues)}`);
    return answer(window, ...result.output);
  });
}

function sender(event: IpcMainInvokeEvent): BrowserWindow | null {
  const frame = event.senderFrame;
  if (frame === null || frame.parent !== null || !isOwnPage(frame.url)) return null;
  return BrowserWindow.fromWebContents(event.sender);
}

/** Which page a machine belongs to: its reports go there, and nobody else may end it. */
const owners = new Map<number, WebContents>();

/** Tells a machine's page that its process has ended. */
export function reportExit(machine: number, reason: string): void {
  const owner = owners.get(machine);
  owners.delete(machine);
  if (owner !== undefined && !owner.isDestroyed())
    owner.send('machine:exited', { machine, reason });
}

export function answerPages(pool: MachinePool): void {
  const none = v.strictTuple([]);

  handle('app:start', none, async (window): Promise<StartInfo> => {
    endMachinesOf(pool, window.webContents);
    return { guests: await listGuests(), recent: recentPrograms(), theme: theme() };
  });
  handle('app:theme', v.strictTuple([themeSchema]), (_window, chosen) => setTheme(chosen));
  handle('app:menu', v.strictTuple([menuEntries]), (_window, entries) => showMenu(entries));
  handle('window:new', none, async () => void (await openWindow()));
  handle('window:title', v.strictTuple([text(256)]), (window, title) => window.setTitle(title));

  handle('program:guest', v.strictTuple([text(256)]), async ({ webContents }, name) =>
    noteProgram(webContents, await readGuest(name)),
  );
  handle('program:choose', none, async (window) =>
    noteProgram(window.webContents, await chooseProgram(window)),
  );
  handle('program:recent', v.strictTuple([path]), async ({ webContents }, file) =>
    noteProgram(webContents, await readRecentProgram(file)),
  );
  handle('program:recents', none, () => recentPrograms());
  handle('program:dropped', v.strictTuple([path]), async ({ webContents }, file) => {
    if (file === '') throw new Error('What was dropped is not a file on disk.');
    return noteProgram(webContents, await readProgram(file));
  });
  handle('source:read', v.strictTuple([path]), ({ webContents }, file) =>
    readSource(webContents, file),
  );
  handle('source:folder', none, (window) => chooseSourceFolder(window));
  handle('session:read', v.strictTuple([sha256Schema]), (_window, sha256) => readSession(sha256));
  handle(
    'session:write',
    v.strictTuple([sha256Schema, sessionSchema]),
    (_window, sha256, session) => writeSession(sha256, session),
  );
  handle('session:choose', none, (window) => chooseSession(window));
  handle('text:save', v.strictTuple([text(256), text(64 * 2 ** 20)]), (window, name, contents) =>
    saveText(window, name, contents),
  );

  const tellGrants = (page: WebContents, sha256: string): void => {
    const grants = { sha256, folders: keptGrants(sha256) };
    for (const [machine, owner] of owners) if (owner === page) pool.grant(machine, grants);
  };
  handle('folder:list', v.strictTuple([sha256Schema]), ({ webContents }, sha256) =>
    grantsOf(webContents, sha256),
  );
  handle(
    'folder:grant',
    v.strictTuple([sha256Schema, path, v.boolean()]),
    async (window, sha256, guestPath, writable) => {
      const granted = await grantFolder(window, sha256, guestPath, writable);
      tellGrants(window.webContents, sha256);
      return granted;
    },
  );
  handle(
    'folder:revoke',
    v.strictTuple([sha256Schema, path]),
    ({ webContents }, sha256, guestPath) => {
      const granted = revokeFolder(webContents, sha256, guestPath);
      tellGrants(webContents, sha256);
      return granted;
    },
  );

  handle('machine:create', v.strictTuple([sha256Schema]), (window, sha256) => {
    const page = window.webContents;
    const folders = grantsOf(page, sha256);
    const machine = pool.acquire();
    owners.set(machine.id, page);
    machine.grant({ sha256, folders });
    const { port1, port2 } = new MessageChannelMain();
    machine.connect(port1);
    page.postMessage('machine:port', machine.id, [port2]);
    return machine.id;
  });
  handle('machine:end', v.strictTuple([machineId]), (window, machine) => {
    if (owners.get(machine) !== window.webContents) return;
    owners.delete(machine);
    pool.kill(machine);
  });
}

/** Ends what a page has started: it closed, or it was loaded afresh. */
export function endMachinesOf(pool: MachinePool, page: WebContents): void {
  for (const [machine, owner] of owners) {
    if (owner !== page) continue;
    owners.delete(machine);
    pool.kill(machine);
  }
}
