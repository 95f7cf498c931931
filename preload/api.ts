/** What the page gets from Electron as `window.hartscope`. Kept apart from the script, so that the page sees no Electron types. */

import type { Session } from './session-file';

export type Theme = 'system' | 'light' | 'dark';

/** A bundled guest, as guests/catalogue.json describes it. */
export interface GuestInfo {
  readonly name: string;
  /** One sentence. */
  readonly description: string;
  readonly arguments: readonly string[];
  readonly readsTerminal: boolean;
  /** Symbol where the debugger stops first. */
  readonly entry: string;
  readonly tags: readonly string[];
}

export interface RecentFile {
  readonly path: string;
  /** The file's base name. */
  readonly name: string;
}

/** An ELF file's bytes, and what the window shows about it. */
export interface ProgramFile {
  readonly name: string;
  /** Where the file lies; absent for a bundled guest. */
  readonly path?: string;
  readonly bytes: Uint8Array;
  /** Of the bytes, in hexadecimal: what sessions are kept by. */
  readonly sha256: string;
  /** argv without argv[0]. */
  readonly arguments: readonly string[];
  /** Where it stops first, as `OpenRequest` says it. */
  readonly stopAt: string;
}

/** A source file of the program that is open: its text, or where it was looked for. */
export type SourceText =
  | {
      /** As the program names it. */
      readonly path: string;
      /** Where it was found. */
      readonly file: string;
      readonly text: string;
    }
  | { readonly path: string; readonly tried: readonly string[] };

/** A file that the user has chosen. */
export interface TextFile {
  /** Base name. */
  readonly name: string;
  readonly text: string;
}

/** A folder of the host that a program may use. */
export interface GrantedFolder {
  readonly hostPath: string;
  /** Where the guest has it, an absolute path; `/` makes it the root. */
  readonly guestPath: string;
  readonly writable: boolean;
}

/** What is kept of a program from the last time; null: nothing. */
export interface KeptSession {
  readonly session: Session | null;
  /** What is wrong with the file. */
  readonly problem?: string;
}

/** What a window needs to draw itself. */
export interface StartInfo {
  readonly guests: readonly GuestInfo[];
  readonly recent: readonly RecentFile[];
  readonly theme: Theme;
}

/** One entry of the application menu; the page's command table is where they come from. */
export interface MenuEntry {
  readonly command: string;
  readonly title: string;
  /** Electron accelerator, shown only: the page handles its keys itself. */
  readonly key?: string;
  readonly menu: 'File' | 'Run' | 'View' | 'Help';
  /** Starts a new group of entries. */
  readonly separated?: boolean;
}

export interface MachineExit {
  readonly machine: number;
  /** Why the process ended, one sentence. */
  readonly reason: string;
}

/** Kind of the window message that brings a machine's port: `{ kind: MACHINE_PORT, machine }`. */
export const MACHINE_PORT = 'hartscope:machine-port';

/** Each request rejects with an `Error` that says what, where and what to do. */
export interface HartscopeApi {
  readonly versions: { readonly electron: string; readonly chrome: string };
  start(): Promise<StartInfo>;
  readGuest(name: string): Promise<ProgramFile>;
  /** Asks with a file dialog; null when it was cancelled. */
  chooseFile(): Promise<ProgramFile | null>;
  readRecent(path: string): Promise<ProgramFile>;
  readDropped(file: File): Promise<ProgramFile>;
  recent(): Promise<readonly RecentFile[]>;
  /** A source file that the open program names; others are refused. */
  readSource(path: string): Promise<SourceText>;
  /** Asks for a folder to look for the program's source in; null when that was cancelled. */
  chooseSourceFolder(): Promise<string | null>;
  /** What is kept of a program, by its SHA-256. */
  readSession(sha256: string): Promise<KeptSession>;
  writeSession(sha256: string, session: Session): Promise<void>;
  /** Asks for a session file to import; null when that was cancelled. */
  chooseSession(): Promise<TextFile | null>;
  /** Asks where to save; null when it was cancelled, else the path. */
  saveText(suggestedName: string, text: string): Promise<string | null>;
  /** Folders that a program may use, by its SHA-256. */
  grantedFolders(sha256: string): Promise<readonly GrantedFolder[]>;
  /** Asks for a folder that the program may use from its next start on; the list then, unchanged when that was cancelled. */
  grantFolder(
    sha256: string,
    guestPath: string,
    writable: boolean,
  ): Promise<readonly GrantedFolder[]>;
  /** Takes the folder at that place in the guest back, from the next start on. */
  revokeFolder(sha256: string, guestPath: string): Promise<readonly GrantedFolder[]>;
  /**
   * Starts a machine process; its port comes as a window message of kind MACHINE_PORT.
   * @param sha256 of the program that is to be opened in it, which gets its folders
   */
  createMachine(sha256: string): Promise<number>;
  endMachine(machine: number): Promise<void>;
  newWindow(): Promise<void>;
  setTheme(theme: Theme): Promise<void>;
  setTitle(title: string): Promise<void>;
  setMenu(entries: readonly MenuEntry[]): Promise<void>;
  onMachineExited(listener: (exit: MachineExit) => void): void;
  /** A command was chosen in the application menu. */
  onCommand(listener: (command: string) => void): void;
}
