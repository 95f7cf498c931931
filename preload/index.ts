/** The one typed bridge: names of channels stand here and in main/ipc.ts only. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { MACHINE_PORT, type HartscopeApi, type MachineExit } from './api';

/** Calls main; an error comes back with main's own words, without Electron's prefix. */
async function call<T>(channel: string, ...args: unknown[]): Promise<T> {
  try {
    return (await ipcRenderer.invoke(channel, ...args)) as T;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(message.replace(/^Error invoking remote method '[^']*': (\w*Error: )?/, ''), {
      cause: error,
    });
  }
}

const api: HartscopeApi = {
  versions: {
    electron: process.versions.electron,
    chrome: process.versions.chrome,
  },
  start: () => call('app:start'),
  readGuest: (name) => call('program:guest', name),
  chooseFile: () => call('program:choose'),
  readRecent: (path) => call('program:recent', path),
  // A page cannot make up a File that has a path: only a real drop or dialog gives one.
  readDropped: (file) => call('program:dropped', webUtils.getPathForFile(file)),
  recent: () => call('program:recents'),
  readSource: (path) => call('source:read', path),
  chooseSourceFolder: () => call('source:folder'),
  readSession: (sha256) => call('session:read', sha256),
  writeSession: (sha256, session) => call('session:write', sha256, session),
  chooseSession: () => call('session:choose'),
  saveText: (suggestedName, text) => call('text:save', suggestedName, text),
  grantedFolders: (sha256) => call('folder:list', sha256),
  grantFolder: (sha256, guestPath, writable) => call('folder:grant', sha256, guestPath, writable),
  revokeFolder: (sha256, guestPath) => call('folder:revoke', sha256, guestPath),
  createMachine: (sha256) => call('machine:create', sha256),
  endMachine: (machine) => call('machine:end', machine),
  newWindow: () => call('window:new'),
  setTheme: (theme) => call('app:theme', theme),
  setTitle: (title) => call('window:title', title),
  setMenu: (entries) => call('app:menu', entries),
  onMachineExited: (listener) => {
    ipcRenderer.on('machine:exited', (_event, exit: MachineExit) => listener(exit));
  },
  onCommand: (listener) => {
    ipcRenderer.on('app:command', (_event, command: string) => listener(command));
  },
};

contextBridge.exposeInMainWorld('hartscope', api);

// A port cannot pass through the bridge; a window message carries it into the page.
ipcRenderer.on('machine:port', (event, machine: number) => {
  window.postMessage({ kind: MACHINE_PORT, machine }, window.origin, event.ports);
});
