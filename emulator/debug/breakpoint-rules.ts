import type { Hart } from '../multiprocess/hart';
import { ExpressionError } from './expression-tokens';
import { parseLogMessage, type LogMessage } from './log-message';
import type { BreakpointSpec, Location } from './protocol';
import type { DebugTarget } from './target';
import { readExpression, type UserExpression } from './user-expression';

/** Where a breakpoint lies in the program that is open. */
export type Place =
  | {
      readonly kind: 'code';
      /** Several where a source line became code in several places. */
      readonly locations: readonly Location[];
      readonly line?: number;
    }
  | { readonly kind: 'data'; readonly location: Location; readonly length: number }
  /** Undefined: all of them. */
  | { readonly kind: 'syscall'; readonly number: number | undefined }
  | { readonly kind: 'event'; readonly event: string };

/**
 * What event breakpoints call the end of a process: it stops before, at the call that ends it. It is no event of the
 * arena's log, which tells what has happened.
 */
export const EXIT_EVENT = 'exit';

/** A breakpoint with what its texts mean for the program that is open. */
export interface Entry {
  readonly id: number;
  spec: BreakpointSpec;
  hits: number;
  /** In the first program that has such a place; a condition that cannot be read has none. */
  place?: Place;
  /** Of a breakpoint in code: its addresses by program (`DebugTarget.programOf`), as far as they were asked for. */
  addresses: WeakMap<object, readonly number[]>;
  condition?: UserExpression;
  log?: LogMessage;
  problem?: string;
}

/** A breakpoint that wants a stop. */
export interface BreakpointHit {
  readonly id: number;
  /** Why the condition could not be evaluated: it stops then, so that nobody waits in vain. */
  readonly problem?: string;
  readonly barrier: boolean;
}

/** A breakpoint that prints instead of stopping. */
export type Print = (id: number, text: string) => void;

/**
 * Reads the condition and the message of a breakpoint.
 * @throws ExpressionError when one cannot be read
 */
export function readTexts(entry: Entry): void {
  const { condition, log } = entry.spec;
  entry.condition = isText(condition) ? readExpression(condition) : undefined;
  entry.log = isText(log) ? parseLogMessage(log) : undefined;
}

const isText = (text: string | undefined): text is string =>
  text !== undefined && text.trim() !== '';

/** Whether a breakpoint is about the hart at all. */
export function concerns({ spec }: Entry, hart: number): boolean {
  return spec.enabled && (spec.harts === undefined || spec.harts.includes(hart));
}

/**
 * A hart has come to a breakpoint that concerns it: looks at the condition, counts, prints.
 * @param extra names that the condition and the message may use besides
 * @returns undefined when the hart goes on
 */
export function judge(
  entry: Entry,
  target: DebugTarget,
  hart: Hart,
  print: Print,
  extra: Readonly<Record<string, bigint>> = {},
): BreakpointHit | undefined {
  const { id, spec } = entry;
  const barrier = spec.barrier === true;
  try {
    if (entry.condition?.(target, hart, extra).isTrue() === false) return undefined;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const problem = `The condition of breakpoint ${id} cannot be evaluated: ${error.message}.`;
    return { id, problem, barrier: false };
  }
  entry.hits += 1;
  if (!counts(spec, entry.hits)) return undefined;
  if (entry.log) {
    print(id, entry.log(target, hart, extra));
    return undefined;
  }
  return { id, barrier };
}

/** Whether the hit of that number is one that stops. */
function counts({ hitCount = 1, hitRule = 'from' }: BreakpointSpec, hits: number): boolean {
  switch (hitRule) {
    case 'from':
      return hits >= hitCount;
    case 'exactly':
      return hits === hitCount;
    case 'multiple':
      return hits % hitCount === 0;
  }
}
