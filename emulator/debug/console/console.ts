import type { HartId, Width } from '../protocol';
import { BREAKPOINT_VERBS, listBreakpoints } from './breakpoint-verbs';
import { CODE_VERBS } from './code-verbs';
import {
  ConsoleError,
  VERB_GROUPS,
  wholeNumber,
  type ConsoleMachine,
  type Context,
  type Reply,
  type Verb,
} from './console-types';
import { DATA_VERBS, INFO_DATA } from './data-verbs';
import { HART_VERBS, listEvents, listHarts, listTasks } from './hart-verbs';
import { listPages, PAGE_VERBS } from './page-verbs';
import { RUN_VERBS } from './run-verbs';

type Info = (context: Context, text: string) => Promise<Reply>;

/** What `info` tells. */
const INFO: Readonly<Record<string, Info>> = {
  breakpoints: listBreakpoints,
  harts: listHarts,
  threads: listHarts,
  tasks: listTasks,
  pages: listPages,
  events: listEvents,
  ...INFO_DATA,
};

const OTHER_VERBS: readonly Verb[] = [
  {
    name: 'info',
    short: ['i'],
    group: 'Other',
    usage: Object.keys(INFO).join(' | '),
    help: 'tells about the machine',
    completes: Object.keys(INFO),
    run: (context, text) => {
      const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
      const names = Object.keys(INFO).filter((name) => name.startsWith(word));
      const exact = names.find((name) => name === word) ?? names[0];
      if (word === '' || exact === undefined) {
        throw new ConsoleError(`info tells of ${Object.keys(INFO).join(', ')}.`);
      }
      return INFO[exact](context, rest);
    },
  },
  {
    name: 'help',
    short: ['h', '?'],
    group: 'Other',
    usage: '[VERB]',
    help: 'lists the verbs, or says more about one',
    run: (_, text) => Promise.resolve({ text: text === '' ? overview() : about(find(text)) }),
  },
  {
    name: 'echo',
    group: 'Other',
    usage: 'TEXT',
    help: 'prints the text',
    run: (_, text) => Promise.resolve({ text }),
  },
];

/** Every verb: the one table behind the command line's debugger and the window's Console pane. */
const VERBS: readonly Verb[] = [
  ...RUN_VERBS,
  ...BREAKPOINT_VERBS,
  ...DATA_VERBS,
  ...PAGE_VERBS,
  ...CODE_VERBS,
  ...HART_VERBS,
  ...OTHER_VERBS,
];

/** These move harts: before a verb they say whom it moves. */
const WIDTHS: readonly string[] = ['hart', 'group', 'all'];

/**
 * The verb of that name, of that short name, or the only one that begins so.
 * @throws ConsoleError when there is none, or several
 */
function find(word: string): Verb {
  const exact = VERBS.find(({ name, short }) => name === word || short?.includes(word));
  if (exact) return exact;
  const found = VERBS.filter(({ name }) => name.startsWith(word));
  const [first, second] = found;
  if (!first) throw new ConsoleError(`There is no verb “${word}”: help lists them.`);
  if (second) {
    throw new ConsoleError(`“${word}” may be ${found.map(({ name }) => name).join(', ')}.`);
  }
  return first;
}

function overview(): string {
  return VERB_GROUPS.map((group) => {
    const verbs = VERBS.filter((verb) => verb.group === group);
    return [
      group,
      ...verbs.map(({ name, short, help }) => {
        const names = [name, ...(short ?? [])].join(', ');
        return `  ${names.padEnd(20)} ${help}`;
      }),
    ].join('\n');
  }).join('\n');
}

const about = ({ name, short, usage, help }: Verb): string =>
  [
    `${name}${usage === undefined ? '' : ` ${usage}`}`,
    `  ${help}`,
    ...(short ? [`  short: ${short.join(', ')}`] : []),
  ].join('\n');

/** What may be typed at a place. */
export interface Completion {
  /** Where the word begins that is completed. */
  readonly from: number;
  readonly words: readonly string[];
}

const MOST_COMPLETIONS = 50;
/** What C++ puts before names of one file only. */
const ANONYMOUS = '(anonymous namespace)::';

/** A debugger as text: takes lines, answers with replies. */
export class DebugConsole {
  private readonly context: Context;
  private last = '';

  constructor(machine: ConsoleMachine) {
    this.context = {
      machine,
      requests: machine.requests,
      hart: 0,
      width: undefined,
      frame: 0,
      displays: new Map(),
      nextDisplay: 1,
      listed: undefined,
      examined: undefined,
      disassembled: undefined,
    };
  }

  /** The hart that verbs are about. */
  get hart(): HartId {
    return this.context.hart;
  }

  set hart(hart: HartId) {
    if (hart !== this.context.hart) this.context.frame = 0;
    this.context.hart = hart;
  }

  /**
   * Does what a line says. An empty line does again what may be repeated; what begins with `#` is a remark.
   * @throws Error with what is wrong with it, for the user
   */
  async execute(line: string): Promise<Reply> {
    const text = line.trim();
    if (text.startsWith('#')) return { text: '' };
    if (text !== '') this.last = '';
    else if (this.last === '') return { text: '' };
    return this.perform(text === '' ? this.last : text);
  }

  /** Words that the line may go on with. */
  async complete(line: string): Promise<Completion> {
    // Names of C++ may be qualified, have arguments and begin with `~`.
    const from = line.search(/(?:[\w.$-]|::?~?)*$/);
    const word = line.slice(from);
    const [first = '', ...before] = line
      .slice(0, from)
      .split(/\s+/)
      .filter((part) => part !== '');
    // Behind `hart 3` and a width another verb follows.
    const isVerb =
      first === '' || (WIDTHS.includes(first) && before.length < (first === 'hart' ? 2 : 1));
    if (isVerb) {
      const names = VERBS.flatMap(({ name, short }) => [name, ...(short ?? [])]);
      return { from, words: [...names, ...WIDTHS].filter((name) => starts(name, word)).sort() };
    }
    return { from, words: await this.wordsFor(first, word) };
  }

  private async wordsFor(verb: string, word: string): Promise<string[]> {
    let completes: Verb['completes'];
    try {
      ({ completes } = find(verb));
    } catch (error) {
      if (!(error instanceof ConsoleError)) throw error;
    }
    if (completes === undefined) return [];
    if (typeof completes !== 'string') return completes.filter((each) => starts(each, word));
    if (word === '') return [];
    const symbols = await this.context.requests.symbols(word, MOST_COMPLETIONS, this.context.hart);
    const named = (name: string): boolean => starts(name, word) || starts(name, ANONYMOUS + word);
    const names = symbols.map(({ name }) => name).filter(named);
    return [...new Set(names)];
  }

  private async perform(line: string): Promise<Reply> {
    const [, word = '', rest = ''] = /^([A-Za-z?-]+)\s*(.*)$/s.exec(line) ?? [];
    if (word === '') throw new ConsoleError(`“${line}” begins with no verb: help lists them.`);
    const scoped = WIDTHS.includes(word) ? this.scoped(word as Width, rest) : undefined;
    if (scoped) return scoped;
    const verb = find(word);
    const reply = await verb.run(this.context, rest.trim());
    // Repeated without what it was told: the next lines, the next words.
    if (verb.repeats === true) this.last = verb.group === 'Running' ? line : continuing(line);
    return reply;
  }

  /** `hart 3 step`, `group next`, `all continue`: one verb with another hart or width. */
  private scoped(width: Width, text: string): Promise<Reply> | undefined {
    const [, number, verb = ''] =
      width === 'hart' ? (/^(\d+)\s+(\S.*)$/s.exec(text) ?? []) : ['', undefined, text];
    if (verb === '') {
      if (width === 'hart') return undefined;
      throw new ConsoleError(`Say what: ${width} step, ${width} continue …`);
    }
    return this.inScope(
      width,
      number === undefined ? undefined : wholeNumber(number, 'The hart'),
      verb,
    );
  }

  private async inScope(width: Width, hart: number | undefined, line: string): Promise<Reply> {
    const { context } = this;
    const before = { hart: context.hart, width: context.width };
    context.width = width;
    if (hart !== undefined) context.hart = hart;
    try {
      const reply = await this.perform(line);
      if (this.last !== '')
        this.last = `${width}${hart === undefined ? '' : ` ${hart}`} ${this.last}`;
      return reply;
    } finally {
      context.width = before.width;
      const { harts } = await context.requests.state();
      const lives = harts.some(({ id }) => id === before.hart);
      // What has moved keeps the attention; what was only looked at does not.
      if (hart !== undefined && lives && !isMove(line)) context.hart = before.hart;
    }
  }
}

const starts = (name: string, word: string): boolean => name.startsWith(word);

const isMove = (line: string): boolean =>
  find(/^[A-Za-z?-]+/.exec(line)?.[0] ?? '').group === 'Running';

/** `x/8xw sp` goes on as `x/8xw`. */
const continuing = (line: string): string => /^[A-Za-z]+(?:\s*\/\S+)?/.exec(line)?.[0] ?? '';
