/**
 * What is kept of a program from one run of the app to the next, and what an exported session file holds:
 * the work on the program, never what the user has granted (folders), which is not a file's to give.
 */
import * as v from 'valibot';
import { breakpointSpec } from '../emulator/debug/validate';

/** Largest session, as text. */
export const MAX_SESSION_BYTES = 2 ** 20;
const VERSION = 1;
const MAX_BREAKPOINTS = 1000;
const MAX_WATCHES = 32;

const text = (longest: number): v.GenericSchema<string> =>
  v.pipe(v.string('is not a text'), v.maxLength(longest, `is longer than ${longest} characters`));
const tooMany = (most: number): string => `has more than ${most} entries`;

export const sha256Schema = v.pipe(
  v.string('is not a text'),
  v.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 digest'),
);

export const sessionSchema = v.strictObject({
  hartscope: v.literal('session', 'is not "session"'),
  version: v.literal(VERSION, `is not ${VERSION}`),
  program: v.strictObject({ name: text(1024), sha256: sha256Schema }),
  /** As the Guests pane has them: words quoted as in a shell. */
  arguments: text(2 ** 17),
  /** `NAME=value`, one a line. */
  environment: text(2 ** 17),
  /** `interleaved[:quantum[:seed]]`; empty: parallel. */
  schedule: text(128),
  breakpoints: v.pipe(
    v.array(breakpointSpec, 'is not a list'),
    v.maxLength(MAX_BREAKPOINTS, tooMany(MAX_BREAKPOINTS)),
  ),
  /** Expressions. */
  watches: v.pipe(
    v.array(text(1024), 'is not a list'),
    v.maxLength(MAX_WATCHES, tooMany(MAX_WATCHES)),
  ),
  /** Number formats by register (`x10`) or watch (`=a0 + 8`). */
  formats: v.record(text(1026), text(16), 'is no table of formats'),
  /** The dock's own words; what it does not take is left out. */
  layout: v.nullable(v.record(v.string(), v.unknown(), 'is no arrangement')),
});

/** @see sessionSchema */
export type Session = v.InferOutput<typeof sessionSchema>;

/** A session of a program, as this version writes it. */
export const newSession = (contents: Omit<Session, 'hartscope' | 'version'>): Session => ({
  hartscope: 'session',
  version: VERSION,
  ...contents,
});

/** Reads a session file; throws an `Error` that says what is wrong with it. */
export function parseSession(name: string, contents: string): Session {
  let parsed: unknown;
  try {
    parsed = JSON.parse(contents);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
  const result = v.safeParse(sessionSchema, parsed);
  if (!result.success) throw new Error(`${name} is not a session file: ${whatIsWrong(result)}.`);
  return result.output;
}

/** `breakpoints.0.at is not a text`, of the first thing that is wrong. */
function whatIsWrong({
  issues: [issue],
}: {
  readonly issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]];
}): string {
  const at = v.getDotPath(issue);
  return at === null
    ? 'it is no object'
    : `${at} ${issue.type === 'strict_object' ? problemOf(issue) : issue.message}`;
}

const problemOf = (issue: v.BaseIssue<unknown>): string =>
  issue.expected === 'never' ? 'is not known' : 'is missing or is no object';
