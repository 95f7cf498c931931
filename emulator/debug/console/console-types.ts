import type { HartId, MachineRequests, MachineState, Width } from '../protocol';

/** A machine as the console uses it: the protocol, and when it stands. */
export interface ConsoleMachine {
  readonly requests: MachineRequests;
  /** Resolves when the machine stands: at once when it does already. */
  stopped(): Promise<MachineState>;
  /** The lines of a source file; undefined when it cannot be found. */
  readSource?(path: string): Promise<readonly string[] | undefined>;
}

/** What a verb answers: text for people, and the same as data for programs. */
export interface Reply {
  readonly text: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What verbs share: the machine, and what the user looks at. */
export interface Context {
  readonly machine: ConsoleMachine;
  readonly requests: MachineRequests;
  /** The hart that verbs are about. */
  hart: HartId;
  /** Whom steps and runs move where no verb says it. */
  width: Width | undefined;
  /** Number of the frame that names of variables are looked up in. */
  frame: number;
  /** Expressions that are shown at each stop, by number. */
  readonly displays: Map<number, string>;
  nextDisplay: number;
  /** Where `list`, `x` and `disassemble` go on. */
  listed: { readonly path: string; readonly line: number } | undefined;
  examined: number | undefined;
  disassembled: number | undefined;
}

/** Groups of verbs, in the order in which `help` lists them. */
export const VERB_GROUPS = ['Running', 'Breakpoints', 'Data', 'Code', 'Harts', 'Other'] as const;

export interface Verb {
  readonly name: string;
  /** Other spellings. */
  readonly short?: readonly string[];
  readonly group: (typeof VERB_GROUPS)[number];
  /** What follows the name. */
  readonly usage?: string;
  readonly help: string;
  /** An empty line after it does it again. */
  readonly repeats?: boolean;
  /** What may follow: words, `symbols` for names of the program. */
  readonly completes?: readonly string[] | 'symbols' | 'expressions';
  readonly run: (context: Context, text: string) => Promise<Reply>;
}

/** Wrong use of a verb. */
export class ConsoleError extends Error {
  override readonly name = 'ConsoleError';
}

/** A whole number from `low` on. */
export function wholeNumber(text: string, what: string, low = 0): number {
  const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (!(number >= low)) throw new ConsoleError(`${what}: “${text}” is no number from ${low} on.`);
  return number;
}
