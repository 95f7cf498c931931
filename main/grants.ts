/** Folders of the host that the user lets a program use: chosen in a dialog, kept by main, taken back at any time. */
import { dialog, type BrowserWindow, type WebContents } from 'electron';
import type { GrantedFolder } from '../preload/api';
import { keepGrants, keptGrants } from './sessions';
import { hasProgram } from './sources';

/** More would only be confusing. */
const MOST_GRANTS = 16;

/** @throws Error when the page has not been given the program */
export function grantsOf(page: WebContents, sha256: string): readonly GrantedFolder[] {
  if (!hasProgram(page, sha256)) throw new Error('No such program was opened in this window.');
  return keptGrants(sha256);
}

/**
 * Asks for a folder; the user's choice is the grant. What is at that place in the guest so far is replaced.
 * @throws Error when the place is no plain absolute path
 */
export async function grantFolder(
  window: BrowserWindow,
  sha256: string,
  guestPath: string,
  writable: boolean,
): Promise<readonly GrantedFolder[]> {
  const before = grantsOf(window.webContents, sha256);
  const place = plainPath(guestPath);
  const access = writable ? 'reading and writing' : 'reading';
  const { canceled, filePaths } = await dialog.showOpenDialog(window, {
    title: `Folder that the guest may use as ${place}, for ${access}`,
    buttonLabel: 'Grant',
    properties: ['openDirectory'],
  });
  const [hostPath] = filePaths;
  if (canceled || hostPath === undefined) return before;
  const others = before.filter((each) => each.guestPath !== place);
  if (others.length >= MOST_GRANTS)
    throw new Error(`At most ${MOST_GRANTS} folders can be granted.`);
  keepGrants(sha256, [...others, { hostPath, guestPath: place, writable }]);
  return keptGrants(sha256);
}

export function revokeFolder(
  page: WebContents,
  sha256: string,
  guestPath: string,
): readonly GrantedFolder[] {
  const rest = grantsOf(page, sha256).filter((each) => each.guestPath !== guestPath);
  keepGrants(sha256, rest);
  return rest;
}

function plainPath(guestPath: string): string {
  const parts = guestPath.split('/').filter((part) => part !== '');
  if (!guestPath.startsWith('/') || parts.some((part) => part === '.' || part === '..')) {
    throw new Error(`${guestPath} is no absolute path in the guest, such as /work.`);
  }
  return `/${parts.join('/')}`;
}
