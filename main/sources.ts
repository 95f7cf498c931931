/**
 * Source text for the Source pane. A page gets only what the program that it has opened names as its source,
 * from where the program says, from the app's own guests, or from folders that the user has chosen for it.
 * Nothing but text in files that look like source leaves here.
 */
import { dialog, type BrowserWindow, type WebContents } from 'electron';
import { open, realpath } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, normalize, sep } from 'node:path';
import { DebugInfo } from '../emulator/elf/dwarf/debug-info';
import { parseElf } from '../emulator/elf/parse';
import type { ProgramFile, SourceText } from '../preload/api';
import { resource } from './paths';
import { keepFolders, keptFolders } from './sessions';

const MAX_SOURCE_BYTES = 8 * 2 ** 20;
/** Programs that a page may ask about: the open one, and those it opened before. */
const MAX_PROGRAMS = 4;

/** What source files are called. A program may name any file of the host as its source. */
const EXTENSIONS: ReadonlySet<string> = new Set(
  '.c .h .cc .cpp .cxx .c++ .hh .hpp .hxx .inc .inl .ipp .s .asm .rs .go .zig .d .f .f90 .adb .ads .pas'.split(
    ' ',
  ),
);

/** A program that a page was given, and the folders that its source is looked for in. */
interface Served {
  readonly program: ProgramFile;
  readonly folders: string[];
  paths?: ReadonlySet<string>;
}

const served = new WeakMap<WebContents, Served[]>();

/** Notes that a page was given a program: it may ask for its source from now on. */
export function noteProgram<T extends ProgramFile | null>(page: WebContents, program: T): T {
  if (program === null) return program;
  const before = served.get(page) ?? [];
  const known = before.find((each) => sameProgram(each.program, program));
  const entry: Served = { program, folders: known?.folders ?? [...keptFolders(program.sha256)] };
  const rest = before.filter((each) => each !== known).slice(0, MAX_PROGRAMS - 1);
  served.set(page, [entry, ...rest]);
  return program;
}

/** Whether a page was given the program of that SHA-256. */
export const hasProgram = (page: WebContents, sha256: string): boolean =>
  served.get(page)?.some(({ program }) => program.sha256 === sha256) ?? false;

const sameProgram = (a: ProgramFile, b: ProgramFile): boolean =>
  a.name === b.name && a.path === b.path;

/** The text of a source file that a program of the page names. */
export async function readSource(page: WebContents, path: string): Promise<SourceText> {
  const owner = served.get(page)?.find((each) => pathsOf(each).has(path));
  if (owner === undefined) {
    throw new Error(`${path} is not a source file of a program that was opened here.`);
  }
  if (!EXTENSIONS.has(extname(path).toLowerCase())) {
    throw new Error(`${path} is not shown: its name is not that of a source file.`);
  }
  const tried: string[] = [];
  for (const { file, root } of candidates(owner, path)) {
    const text = await readText(file, root);
    if (text !== undefined) return { path, file, text };
    tried.push(file);
  }
  return { path, tried };
}

/** Asks for a folder to look for source in; null when the dialog was cancelled. */
export async function chooseSourceFolder(window: BrowserWindow): Promise<string | null> {
  const [current] = served.get(window.webContents) ?? [];
  if (current === undefined) throw new Error('No program is open: open one first.');
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: `Folder with the source of ${current.program.name}`,
    buttonLabel: 'Choose',
    properties: ['openDirectory'],
  });
  const [folder] = filePaths;
  if (canceled || folder === undefined) return null;
  if (!current.folders.includes(folder)) current.folders.unshift(folder);
  keepFolders(current.program.sha256, current.folders);
  return folder;
}

/** All source files that a program names. */
function pathsOf(entry: Served): ReadonlySet<string> {
  return (entry.paths ??= new Set(new DebugInfo(parseElf(entry.program.bytes)).lines.files()));
}

/** Where a file may be, and the folder that it must not lead out of. */
interface Candidate {
  readonly file: string;
  readonly root?: string;
}

function* candidates({ program, folders }: Served, path: string): Generator<Candidate> {
  for (const folder of folders) {
    // The longest part of the path that the folder has: `/build/app/src/a.c` as `src/a.c`.
    const parts = path.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
    for (let from = 0; from < parts.length; from++) {
      yield { file: join(folder, ...parts.slice(from)), root: folder };
    }
  }
  if (isAbsolute(path)) yield { file: normalize(path) };
  else if (program.path !== undefined) yield { file: join(dirname(program.path), path) };
  else yield { file: join(resource(), path), root: resource('guests') };
}

/** The text of a file; undefined when there is none, or when it lies outside of `root`. */
async function readText(path: string, root: string | undefined): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (root !== undefined && !real.startsWith((await realpath(root)) + sep)) return undefined;
    const file = await open(real);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > MAX_SOURCE_BYTES) return undefined;
      const text = await file.readFile('utf8');
      return text.includes('\0') ? undefined : text;
    } finally {
      await file.close();
    }
  } catch (error) {
    // Not there, or not for us: the next place may have it.
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
