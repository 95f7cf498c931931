/** Where programs come from: bundled guests, files on disk, the recent ones. Only ELF files leave here. */
import { dialog, type BrowserWindow } from 'electron';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import * as v from 'valibot';
import type { GuestInfo, ProgramFile, RecentFile, TextFile } from '../preload/api';
import { MAX_SESSION_BYTES } from '../preload/session-file';
import { JsonFile } from './json-file';
import { resource } from './paths';
import { digestOf } from './sessions';

const MAX_PROGRAM_BYTES = 512 * 2 ** 20;
const MAX_RECENT = 12;
const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

const catalogueSchema = v.object({
  guests: v.array(
    v.object({
      name: v.string(),
      description: v.string(),
      file: v.pipe(v.string(), v.regex(/^bin\/[\w.-]+$/)),
      arguments: v.array(v.string()),
      readsTerminal: v.boolean(),
      entry: v.string(),
      tags: v.array(v.string()),
    }),
  ),
});
type Guest = v.InferOutput<typeof catalogueSchema>['guests'][number];

let catalogue: Promise<readonly Guest[]> | undefined;

async function loadCatalogue(): Promise<readonly Guest[]> {
  const path = resource('guests', 'catalogue.json');
  const result = v.safeParse(catalogueSchema, JSON.parse(await readFile(path, 'utf8')));
  if (!result.success) throw new Error(`${path}: ${v.summarize(result.issues)}`);
  return result.output.guests;
}

const guests = (): Promise<readonly Guest[]> => (catalogue ??= loadCatalogue());

/** The bundled guests, in the catalogue's order. */
export async function listGuests(): Promise<readonly GuestInfo[]> {
  return (await guests()).map(
    ({ name, description, arguments: args, readsTerminal, entry, tags }) => ({
      name,
      description,
      arguments: args,
      readsTerminal,
      entry,
      tags,
    }),
  );
}

export async function readGuest(name: string): Promise<ProgramFile> {
  const guest = (await guests()).find((each) => each.name === name);
  if (guest === undefined) throw new Error(`There is no bundled guest named ${name}.`);
  const bytes = await readElf(resource('guests', guest.file));
  return { name, bytes, sha256: digestOf(bytes), arguments: guest.arguments, stopAt: guest.entry };
}

/** Asks for a file; null when the dialog was cancelled. */
export async function chooseProgram(window: BrowserWindow): Promise<ProgramFile | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Open a RISC-V program',
    buttonLabel: 'Open',
    properties: ['openFile'],
    filters: [
      { name: 'All files', extensions: ['*'] },
      { name: 'ELF programs', extensions: ['elf', 'out', 'riscv'] },
    ],
  });
  const path = filePaths[0];
  return canceled || path === undefined ? null : readProgram(path);
}

/** Reads a program from disk and remembers it as recent. */
export async function readProgram(path: string): Promise<ProgramFile> {
  const bytes = await readElf(path);
  const rest = recentFile.read().filter((each) => each !== path);
  recentFile.write([path, ...rest].slice(0, MAX_RECENT));
  const sha256 = digestOf(bytes);
  return { name: basename(path), path, bytes, sha256, arguments: [], stopAt: 'main' };
}

const recentFile = new JsonFile<string[]>('recent.json', v.array(v.string()), []);

export function recentPrograms(): readonly RecentFile[] {
  return recentFile.read().map((path) => ({ path, name: basename(path) }));
}

/** Reads a program again; only one that is in the list of recent files. */
export async function readRecentProgram(path: string): Promise<ProgramFile> {
  if (!recentFile.read().includes(path)) throw new Error(`${path} is not a recent file.`);
  try {
    return await readProgram(path);
  } catch (error) {
    // Gone or no program any more: it would only be in the way.
    recentFile.write(recentFile.read().filter((each) => each !== path));
    throw error;
  }
}

async function readElf(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: unknown) => {
    throw new Error(`${path} cannot be read: ${reason(error)}`);
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw new Error(`${path} is not a file.`);
    if (status.size > MAX_PROGRAM_BYTES)
      throw new Error(`${path} is larger than ${MAX_PROGRAM_BYTES / 2 ** 20} MiB.`);
    const magic = Buffer.alloc(ELF_MAGIC.length);
    await file.read(magic, 0, magic.length, 0);
    if (!magic.equals(ELF_MAGIC))
      throw new Error(`${path} is not an ELF file. Open a static 64-bit RISC-V Linux program.`);
    const bytes = Buffer.alloc(status.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytesRead);
  } finally {
    await file.close();
  }
}

/** Asks where to save a text; null when the dialog was cancelled. */
export async function saveText(
  window: BrowserWindow,
  suggestedName: string,
  text: string,
): Promise<string | null> {
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    title: 'Save',
    defaultPath: suggestedName,
  });
  if (canceled || filePath === '') return null;
  await writeFile(filePath, text).catch((error: unknown) => {
    throw new Error(`${filePath} cannot be written: ${reason(error)}`);
  });
  return filePath;
}

/** Asks for a session file; null when the dialog was cancelled. */
export async function chooseSession(window: BrowserWindow): Promise<TextFile | null> {
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: 'Import a session',
    buttonLabel: 'Import',
    properties: ['openFile'],
    filters: [{ name: 'Sessions', extensions: ['json'] }],
  });
  const path = filePaths[0];
  if (canceled || path === undefined) return null;
  try {
    const { size } = await stat(path);
    if (size > MAX_SESSION_BYTES) throw new Error(`it is larger than ${MAX_SESSION_BYTES} bytes`);
    return { name: basename(path), text: await readFile(path, 'utf8') };
  } catch (error) {
    throw new Error(`${path} cannot be read: ${reason(error)}.`, { cause: error });
  }
}

/** `EACCES: permission denied, open '…'` without the call at its end. */
function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, \w+( '.*)?$/, '') : String(error);
}
