import * as v from 'valibot';
import type { WindowSize } from '../linux/streams';
import type { TerminalIncident } from '../linux/terminal';
import { checkSchedule, type Interleaved } from './options';

/** How a recording begins. */
export const FORMAT = 'hartscope recording 1';

/** Where in a run something came from outside. Both numbers only grow, and are the same in every run. */
export interface Position {
  /** Instructions retired by all harts. */
  readonly at: number;
  /** Events of the arena before it: tells a call that waits from its first try. */
  readonly events: number;
}

/** What came from outside. */
export type Incident =
  /** Bytes that a read of standard input got; none: its end. */
  | { readonly kind: 'read'; readonly bytes: Uint8Array }
  /** How many bytes could be read without waiting; −1: a read would wait. */
  | { readonly kind: 'ready'; readonly count: number }
  | TerminalIncident
  /** Nothing came while all slept: time went on to the next deadline. */
  | { readonly kind: 'slept' };

export type Entry = Position & Incident;

/** What a recorded machine was made of, as far as a run depends on it. */
export interface RecordedMachine {
  readonly format: typeof FORMAT;
  readonly schedule: Interleaved;
  /** SHA-256 of the program's file. */
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly memoryLimit?: number;
  /** Which of the descriptors 0 to 2 were a terminal. */
  readonly terminals: readonly number[];
  readonly size?: WindowSize;
}

/** How a recorded run ended. */
export interface RecordedEnd extends Position {
  readonly kind: 'end';
  /** `exited 0`, `killed SIGSEGV` … */
  readonly stop: string;
  /** SHA-256 of the memory and registers (state-hash.ts). */
  readonly state: string;
}

export interface Recording {
  readonly machine: RecordedMachine;
  readonly entries: readonly Entry[];
  /** Absent when the recorded run did not come to its end. */
  readonly end?: RecordedEnd;
}

/** The first line of a recording. */
export function formatMachine(machine: RecordedMachine): string {
  return `${JSON.stringify(machine)}\n`;
}

/** A further line: bytes are base64. */
export function formatEntry(entry: Entry | RecordedEnd): string {
  const { kind, ...rest } = entry;
  const bytes = 'bytes' in entry ? { bytes: Buffer.from(entry.bytes).toString('base64') } : {};
  return `${JSON.stringify({ kind, ...rest, ...bytes })}\n`;
}

/**
 * Reads a recording: one JSON object a line, the machine first.
 * @throws Error that names the line and what is wrong with it
 */
export function parseRecording(text: string): Recording {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error('The recording is empty.');
  const machine = readLine(MACHINE, lines[0], 1);
  checkSchedule(machine.schedule);
  const entries: Entry[] = [];
  let end: RecordedEnd | undefined;
  lines.slice(1).forEach((text, i) => {
    const entry = readLine(ENTRY, text, i + 2);
    const last = entries.at(-1) ?? { at: 0, events: 0 };
    if (end !== undefined) throw wrong(i + 2, 'it follows the end');
    if (entry.at < last.at || entry.events < last.events) throw wrong(i + 2, 'it is out of order');
    if (entry.kind === 'end') end = entry;
    else entries.push(entry);
  });
  return { machine, entries, ...(end && { end }) };
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const size = v.pipe(count, v.minValue(1), v.maxValue(1000));
const position = { at: count, events: count };
const base64 = v.pipe(
  v.string(),
  v.check((text) => Buffer.from(text, 'base64').toString('base64') === text, 'is no base64'),
  v.transform((text) => Uint8Array.from(Buffer.from(text, 'base64'))),
);
const MACHINE = v.strictObject({
  format: v.literal(FORMAT, `is not "${FORMAT}"`),
  schedule: v.strictObject({
    kind: v.literal('interleaved'),
    quantum: v.exactOptional(count),
    seed: v.exactOptional(count),
  }),
  program: v.string(),
  args: v.array(v.string()),
  environment: v.array(v.string()),
  memoryLimit: v.exactOptional(count),
  terminals: v.array(v.picklist([0, 1, 2])),
  size: v.exactOptional(v.strictObject({ columns: size, rows: size })),
});
const ENTRY = v.variant('kind', [
  v.strictObject({ kind: v.literal('read'), ...position, bytes: base64 }),
  v.strictObject({
    kind: v.literal('ready'),
    ...position,
    count: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  }),
  v.strictObject({ kind: v.literal('typed'), ...position, bytes: base64 }),
  v.strictObject({ kind: v.literal('resized'), ...position, columns: size, rows: size }),
  v.strictObject({ kind: v.literal('signal'), ...position, signal: v.pipe(size, v.maxValue(64)) }),
  v.strictObject({ kind: v.literal('hangup'), ...position }),
  v.strictObject({ kind: v.literal('slept'), ...position }),
  v.strictObject({ kind: v.literal('end'), ...position, stop: v.string(), state: v.string() }),
]);

function readLine<S extends v.GenericSchema>(
  schema: S,
  text: string,
  line: number,
): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(line, 'it is no JSON');
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [{ message }] = result.issues;
  throw wrong(line, `${v.getDotPath(result.issues[0]) ?? 'it'}: ${message}`);
}

function wrong(line: number, what: string): Error {
  return new Error(`Line ${line} of the recording is wrong: ${what}.`);
}
