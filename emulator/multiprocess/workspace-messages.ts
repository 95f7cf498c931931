import type { EngineKind } from '../engine/engine';
import { NO_STATISTICS, type EngineStatistics } from '../engine/statistics';
import { HART, PAGE_COUNT, PAGE_SIZE } from '../memory/layout';
import { isLayout, type PageBytes } from '../memory/travel';
import type { Output } from './workspace-calls';
import { areEvents, type EventWish } from './workspace-events';

/*
 * What a machine and the processes that run its workspace vCPUs say to each other. A vCPU's stay in a process is a
 * run, with a number of its own: what is said about an earlier one is late and means nothing.
 *
 *   machine ── snapshot, run, pages, breakpoints, recall ──▶ process
 *   machine ◀── want, progress, events, changed, back ────── process
 *
 * They travel as lists: what comes together costs one message of the host. Both ends check what they hear: types,
 * sizes and ranges.
 */

/** Bytes of a hart's context that travel; which of them are taken over, `takeContext` says. */
export const CONTEXT_BYTES = HART.limit;
/** Pages in one message at most: 1 MiB of bytes. */
export const MOST_PAGES = 256;

export type ToProcess =
  /** The memory that the next runs begin with: its whole layout, or what differs from the memory before. */
  | {
      readonly type: 'snapshot';
      readonly machine: MachineTraits;
      readonly layout: Uint32Array;
      readonly isWhole: boolean;
    }
  | RunMessage
  | ({ readonly type: 'pages' } & PageBytes)
  | { readonly type: 'breakpoints'; readonly addresses: Uint32Array }
  /** The vCPU comes home as it is. */
  | { readonly type: 'recall'; readonly run: number };

/** What a process has of the machine that it works for. */
export interface MachineTraits {
  /** In bytes. */
  readonly memoryLimit: number;
  readonly engine: EngineKind;
}

/** A vCPU begins or goes on, in the memory of the snapshot that came last. */
export interface RunMessage {
  readonly type: 'run';
  readonly run: number;
  readonly context: Uint8Array;
  /** Its number in the task, how many there are, and what it has printed: for its system calls. */
  readonly id: number;
  readonly vcpus: number;
  readonly printed: number;
  /** Instructions that it may have retired at its end; 0 = as many as it wants. */
  readonly limit: number;
  readonly events: EventWish;
}

export type FromProcess =
  /** The vCPU waits for the bytes of these pages; a few more are asked for as well. */
  | { readonly type: 'want'; readonly run: number; readonly pages: Uint32Array }
  | {
      readonly type: 'progress';
      readonly run: number;
      readonly pc: number;
      readonly instructions: number;
    }
  /** What has happened to the vCPU (workspace-events.ts). */
  | { readonly type: 'events'; readonly run: number; readonly events: Float64Array }
  /** The bytes of changed pages, in parts; they belong to the layout that follows. */
  | { readonly type: 'changed'; readonly run: number; readonly bytes: Uint8Array }
  | BackMessage;

/** The vCPU has come to where it needs its machine, and is no longer in the process. */
export interface BackMessage {
  readonly type: 'back';
  readonly run: number;
  /** With why it stopped (stop-code.ts). */
  readonly context: Uint8Array;
  readonly layout: Uint32Array;
  readonly output: readonly Output[];
  /** What the process has run for this machine so far, with the vCPUs that were there before. */
  readonly statistics: EngineStatistics;
}

type Fields = Readonly<Record<string, unknown>>;

const isWhole = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isContext = (value: unknown): value is Uint8Array =>
  value instanceof Uint8Array && value.length === CONTEXT_BYTES;
const isWords = (value: unknown, most: number): value is Uint32Array =>
  value instanceof Uint32Array && value.length <= most;
const isPages = (value: unknown): value is Uint32Array =>
  isWords(value, MOST_PAGES) && value.every((page) => page > 0 && page < PAGE_COUNT);

const TO_PROCESS: Record<ToProcess['type'], (fields: Fields) => boolean> = {
  snapshot: ({ machine, layout, isWhole: whole }) =>
    isTraits(machine) &&
    layout instanceof Uint32Array &&
    isLayout(layout) &&
    typeof whole === 'boolean',
  run: ({ run, context, id, vcpus, printed, limit, events }) =>
    isContext(context) &&
    [run, id, vcpus, printed, limit].every(isWhole) &&
    (vcpus as number) > 0 &&
    isWish(events),
  pages: ({ numbers, protections, bytes }) =>
    isPages(numbers) &&
    protections instanceof Uint8Array &&
    protections.length === numbers.length &&
    bytes instanceof Uint8Array &&
    bytes.length === numbers.length * PAGE_SIZE,
  breakpoints: ({ addresses }) => isWords(addresses, 1 << 16),
  recall: ({ run }) => isWhole(run),
};

const FROM_PROCESS: Record<FromProcess['type'], (fields: Fields) => boolean> = {
  want: ({ run, pages }) => isWhole(run) && isPages(pages),
  progress: ({ run, pc, instructions }) => [run, pc, instructions].every(isWhole),
  events: ({ run, events }) => isWhole(run) && areEvents(events),
  changed: ({ run, bytes }) =>
    isWhole(run) && bytes instanceof Uint8Array && bytes.length <= MOST_PAGES * PAGE_SIZE,
  back: ({ run, context, layout, output, statistics }) =>
    isWhole(run) &&
    isContext(context) &&
    layout instanceof Uint32Array &&
    isLayout(layout) &&
    Array.isArray(output) &&
    output.every(isOutput) &&
    areStatistics(statistics),
};

const ENGINES: readonly unknown[] = [
  'interpreter',
  'translator',
  'auto',
] satisfies readonly EngineKind[];

function isTraits(value: unknown): value is MachineTraits {
  const { memoryLimit, engine } = fieldsOf(value);
  return isWhole(memoryLimit) && ENGINES.includes(engine);
}

function isWish(value: unknown): value is EventWish {
  const { enabled, timed } = fieldsOf(value);
  return typeof enabled === 'boolean' && typeof timed === 'boolean';
}

function areStatistics(value: unknown): value is EngineStatistics {
  const { exits, ...numbers } = NO_STATISTICS;
  const areCounts = (given: Fields, wanted: object): boolean =>
    Object.keys(wanted).every((name) => Number.isFinite(given[name]) && Number(given[name]) >= 0);
  const fields = fieldsOf(value);
  return areCounts(fields, numbers) && areCounts(fieldsOf(fields.exits), exits);
}

function isOutput(value: unknown): value is Output {
  const { descriptor, bytes } = fieldsOf(value);
  return (descriptor === 1 || descriptor === 2) && bytes instanceof Uint8Array;
}

/** Messages to a process as they should be; undefined when they are not. */
export const checkedToProcess = (messages: unknown): readonly ToProcess[] | undefined =>
  checked<ToProcess>(messages, TO_PROCESS);

/** Messages from a process as they should be; undefined when they are not. */
export const checkedFromProcess = (messages: unknown): readonly FromProcess[] | undefined =>
  checked<FromProcess>(messages, FROM_PROCESS);

function checked<T extends { readonly type: string }>(
  messages: unknown,
  checks: Record<T['type'], (fields: Fields) => boolean>,
): readonly T[] | undefined {
  const isChecked = (message: unknown): message is T => {
    const fields = fieldsOf(message);
    const { type } = fields;
    if (typeof type !== 'string' || !Object.hasOwn(checks, type)) return false;
    return checks[type as T['type']](fields);
  };
  return Array.isArray(messages) && messages.every(isChecked) ? messages : undefined;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
