import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { FileTree, type FolderGrant } from '../emulator';
import { SyscallError } from '../emulator/linux/call';
import { errnoName } from '../emulator/linux/abi/errno';
import { CommandError, describeSystemError, STATUS, usageError } from './errors';
import type { ProgramFile } from './program-file';

/** Where a program without a slash in its name is looked for in the guest's root. */
const SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/games'];

/** `FOLDER` or `FOLDER:rw`: the guest's root. */
export function parseRoot(text: string): FolderGrant {
  const { path, access } = splitAccess(text);
  if (path === '') throw new InvalidArgumentError('The root is a folder of the host.');
  return { hostPath: path, guestPath: '/', writable: access === 'rw' };
}

/** Collects `HOST:GUEST[:ro]`. */
export function collectFolder(text: string, earlier: readonly FolderGrant[] = []): FolderGrant[] {
  const { path, access } = splitAccess(text);
  const [, hostPath = '', guestPath = ''] = /^(.+):(\/.*)$/s.exec(path) ?? [];
  if (hostPath === '' || guestPath === '') {
    throw new InvalidArgumentError(
      'A folder is given as HOST:GUEST or HOST:GUEST:ro, GUEST an absolute path.',
    );
  }
  if (/^\/+$/.test(guestPath)) throw new InvalidArgumentError('The root is given with --root.');
  const clean = guestPath.replace(/\/+/g, '/').replace(/\/$/, '');
  if (clean.split('/').some((part) => part === '.' || part === '..')) {
    throw new InvalidArgumentError('GUEST has no . and no ..');
  }
  return [...earlier, { hostPath, guestPath: clean, writable: access !== 'ro' }];
}

function splitAccess(text: string): { path: string; access: string | undefined } {
  const match = /^(.*):(ro|rw)$/s.exec(text);
  return match === null
    ? { path: text, access: undefined }
    : { path: match[1] ?? '', access: match[2] };
}

/** What of the command's options is about files. */
interface FileOptions {
  readonly root?: FolderGrant;
  readonly dir?: readonly FolderGrant[];
  readonly fileMemory?: number;
}

/**
 * The guest's files with the folders that it may use.
 * @param now nanoseconds since 1970, for the times of files in memory [the host's clock]
 */
export function openFiles(
  { root, dir = [], fileMemory }: FileOptions,
  now?: () => bigint,
): FileTree {
  const grants = [...(root === undefined ? [] : [root]), ...dir];
  for (const { hostPath, guestPath } of grants) {
    const option = guestPath === '/' ? '--root' : '--dir';
    const status = attempt(() => statSync(hostPath), `${option} ${hostPath}`);
    if (!status.isDirectory()) throw usageError(`${option} ${hostPath}: is no folder`);
  }
  return attempt(
    () =>
      new FileTree({
        grants,
        ...(fileMemory !== undefined && { fileBytes: fileMemory }),
        ...(now && { now }),
      }),
    "the guest's files",
  );
}

/** @throws CommandError that says of what the operation was */
function attempt<T>(action: () => T, what: string): T {
  try {
    return action();
  } catch (error) {
    throw usageError(`${what}: ${describeSystemError(error)}`);
  }
}

/**
 * The program of that name in the guest: an absolute path there, a host path inside a granted folder, or a
 * bare name that is looked for in the usual places. Undefined when there is none.
 */
export function findInGuest(files: FileTree, name: string): ProgramFile | undefined {
  const candidates = [
    ...(name.startsWith('/') ? [name] : []),
    ...(existsSync(name) ? [files.guestPath(name) ?? ''] : []),
    ...(name.includes('/') ? [] : SEARCH_PATH.map((folder) => `${folder}/${name}`)),
  ];
  for (const path of candidates.filter((candidate) => candidate !== '')) {
    try {
      const bytes = files.readProgram(path);
      // What was found by its bare name is called so; else argv[0] is the path in the guest.
      if (bytes !== undefined) return { name: name === basename(path) ? name : path, path, bytes };
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new CommandError(`${path}: ${errnoName(error.errno)}`, STATUS.notExecutable);
    }
  }
  return undefined;
}
