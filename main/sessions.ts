/**
 * A small file for each program that was opened, `sessions/<SHA-256 of the ELF file>.json` in the user's data
 * folder: the page's session, the folders with its source that the user has chosen, and those that it may use. The page has a say in the
 * former only.
 */
import { app } from 'electron';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { GrantedFolder, KeptSession } from '../preload/api';
import { MAX_SESSION_BYTES, sessionSchema, type Session } from '../preload/session-file';
import { JsonFile } from './json-file';

/** The oldest go. */
const MAX_SESSIONS = 200;
const FOLDER = 'sessions';

const grantSchema = v.strictObject({
  hostPath: v.string(),
  guestPath: v.string(),
  writable: v.boolean(),
});
const keptSchema = v.strictObject({
  folders: v.array(v.string()),
  grants: v.optional(v.array(grantSchema), []),
  session: v.nullable(sessionSchema),
});
type Kept = v.InferOutput<typeof keptSchema>;

const fileOf = (sha256: string): JsonFile<Kept> =>
  new JsonFile<Kept>(join(FOLDER, `${sha256}.json`), keptSchema, {
    folders: [],
    grants: [],
    session: null,
  });

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** What is kept of a program; of a damaged file only what is wrong with it. */
export function readSession(sha256: string): KeptSession {
  const { value, problem } = fileOf(sha256).inspect();
  return { session: value.session, ...(problem !== undefined && { problem }) };
}

export function writeSession(sha256: string, session: Session): void {
  if (JSON.stringify(session).length > MAX_SESSION_BYTES)
    throw new Error(`The session is not kept: it is larger than ${MAX_SESSION_BYTES} bytes.`);
  write(sha256, { ...fileOf(sha256).read(), session });
}

/** Folders that the user has chosen for the program's source. */
export const keptFolders = (sha256: string): readonly string[] => fileOf(sha256).read().folders;

export function keepFolders(sha256: string, folders: readonly string[]): void {
  write(sha256, { ...fileOf(sha256).read(), folders: [...folders] });
}

/** Folders that the user lets the program use. */
export const keptGrants = (sha256: string): readonly GrantedFolder[] =>
  fileOf(sha256).read().grants;

export function keepGrants(sha256: string, grants: readonly GrantedFolder[]): void {
  write(sha256, { ...fileOf(sha256).read(), grants: [...grants] });
}

function write(sha256: string, kept: Kept): void {
  fileOf(sha256).write(kept);
  const folder = join(app.getPath('userData'), FOLDER);
  const names = readdirSync(folder);
  if (names.length <= MAX_SESSIONS) return;
  const aged = names
    .map((name) => ({ path: join(folder, name), time: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => a.time - b.time);
  for (const { path } of aged.slice(0, names.length - MAX_SESSIONS)) rmSync(path, { force: true });
}
