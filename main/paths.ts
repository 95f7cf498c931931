/** Where the app's own files lie, packaged or not. */
import { app } from 'electron';
import { join } from 'node:path';

/** Folder with out/main's files: this module is bundled into it. */
const MAIN = import.meta.dirname;

export const MACHINE_HOST = join(MAIN, 'machine-host.js');
export const WORKSPACE_PROCESS = join(MAIN, 'workspace-process.js');
export const PRELOAD = join(MAIN, '../preload/index.cjs');
export const PAGES = join(MAIN, '../renderer');

/** A file that ships beside the code: `resource('guests', 'catalogue.json')`. */
export function resource(...parts: string[]): string {
  const root = app.isPackaged ? process.resourcesPath : join(MAIN, '../..');
  return join(root, ...parts);
}
