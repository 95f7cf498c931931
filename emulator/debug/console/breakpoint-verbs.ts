import { specOf } from '../breakpoint-spec';
import { describeLocation } from '../location';
import type { Breakpoint, BreakpointKind, BreakpointSpec, DataAccess } from '../protocol';
import { ConsoleError, wholeNumber, type Context, type Reply, type Verb } from './console-types';

/** Options may follow the place in any order; `if` takes the rest. */
const OPTION = /\s+(if|harts?|hits?|length|log)\s+/;
const USAGE = 'PLACE [harts N,N] [hits = N | >= N | % N] [log "TEXT {e}"] [if CONDITION]';
const RULES = { '=': 'exactly', '>=': 'from', '%': 'multiple' } as const;

/**
 * Reads `PLACE options`.
 * @throws ConsoleError for an option that makes no sense
 */
function parseSpec(text: string): Omit<BreakpointSpec, 'enabled'> {
  const first = OPTION.exec(text);
  const at = (first ? text.slice(0, first.index) : text).trim();
  if (at === '') throw new ConsoleError('Say where.');
  let rest = first ? text.slice(first.index) : '';
  let spec: Omit<BreakpointSpec, 'enabled'> = { at };
  while (rest.trim() !== '') {
    const [all, option = ''] = OPTION.exec(rest) ?? [];
    if (all === undefined || !rest.startsWith(all)) {
      throw new ConsoleError(`“${rest.trim()}” is no option: if, harts, hits, length, log.`);
    }
    rest = rest.slice(all.length);
    if (option === 'if') return { ...spec, condition: rest.trim() };
    const [value, left] = optionValue(option, rest);
    spec = { ...spec, ...value };
    rest = left;
  }
  return spec;
}

function optionValue(option: string, text: string): [Partial<BreakpointSpec>, string] {
  const pattern = {
    hart: /^(\d+(?:\s*,\s*\d+)*)/,
    hits: /^(>=|=|%)?\s*(\d+)/,
    length: /^(0x[0-9a-fA-F]+|\d+)/,
    log: /^"((?:[^"\\]|\\.)*)"/,
  }[option.replace(/^harts$/, 'hart').replace(/^hit$/, 'hits')];
  const match = pattern?.exec(text);
  if (!match) throw new ConsoleError(`What follows “${option}” cannot be understood: ${text}`);
  const left = text.slice(match[0].length);
  const [, one = '', two = ''] = match;
  if (option.startsWith('hart')) return [{ harts: one.split(',').map(Number) }, left];
  if (option.startsWith('hit')) {
    const rule = RULES[(one || '>=') as keyof typeof RULES];
    return [{ hitCount: wholeNumber(two, 'Hits', 1), hitRule: rule }, left];
  }
  if (option === 'length') return [{ length: Number(one) }, left];
  return [{ log: one.replace(/\\(.)/g, '$1') }, left];
}

/** `1: work+0x4, hart 3 only, if a0 > 3`. */
function breakpointText(breakpoint: Breakpoint): string {
  const { id, kind = 'code', at, location, locations, problem, harts, condition } = breakpoint;
  const { access = 'write', watched, hitCount, hitRule = 'from', log, hits, enabled } = breakpoint;
  // A function goes by its name, although its own work begins further on.
  const place = location && location.symbol !== at ? describeLocation(location) : at;
  const what = {
    code: breakpoint.barrier ? `barrier at ${place}` : place,
    data: `${access} of ${watched ?? '?'} bytes at ${place}`,
    syscall: `call ${at}`,
    event: `event ${at}`,
  }[kind];
  const rule = Object.entries(RULES).find(([, name]) => name === hitRule)?.[0] ?? '';
  return [
    `${id}: ${what}`,
    locations && `${locations.length} places`,
    breakpoint.line !== undefined && `line ${breakpoint.line}`,
    harts && `harts ${harts.join(', ')}`,
    hitCount !== undefined && `hits ${rule} ${hitCount}`,
    condition !== undefined && `if ${condition}`,
    log !== undefined && `log "${log}"`,
    breakpoint.temporary && 'once',
    !enabled && 'disabled',
    hits > 0 && `${hits} hit${hits === 1 ? '' : 's'}`,
    problem !== undefined && `not set: ${problem}`,
  ]
    .filter((part) => part !== false && part !== undefined)
    .join(', ');
}

async function added({ requests }: Context, spec: Omit<BreakpointSpec, 'enabled'>): Promise<Reply> {
  const breakpoint = await requests.addBreakpoint({ ...spec, enabled: true });
  return { text: `Breakpoint ${breakpointText(breakpoint)}`, data: { breakpoint } };
}

const breaking = (
  name: string,
  short: readonly string[],
  help: string,
  extra: Partial<BreakpointSpec> = {},
): Verb => ({
  name,
  short,
  group: 'Breakpoints',
  usage: USAGE,
  help,
  completes: 'symbols',
  run: (context, text) => added(context, { ...codeSpec(text), ...extra }),
});

/** gdb writes addresses with a star: `*0x10074`, and `*main` for the first instruction of a function. */
function codeSpec(text: string): Omit<BreakpointSpec, 'enabled'> {
  const spec = parseSpec(text);
  const [, address] = /^\*\s*(.+)$/.exec(spec.at) ?? [];
  return address === undefined ? spec : { ...spec, at: `${address} + 0` };
}

const watching = (name: string, help: string, access: DataAccess): Verb => ({
  name,
  group: 'Breakpoints',
  usage: `${USAGE.replace('PLACE', 'PLACE [length N]')}`,
  help,
  completes: 'expressions',
  run: async (context, text) => {
    const spec = await variableSpec(context, parseSpec(text));
    return added(context, { ...spec, kind: 'data', access });
  },
});

/** A variable of the frame is watched where it lies now; what is none is left as it is written. */
async function variableSpec(
  { requests, hart, frame }: Context,
  spec: Omit<BreakpointSpec, 'enabled'>,
): Promise<Omit<BreakpointSpec, 'enabled'>> {
  const { address, size } = await requests
    .evaluateInFrame(spec.at, hart, frame)
    .catch(() => ({ address: undefined, size: 0 }));
  if (address === undefined || size === 0) return spec;
  return { length: size, ...spec, at: `0x${address.toString(16)}` };
}

/** `catch syscall write`, `catch fork`. */
async function caught(context: Context, text: string): Promise<Reply> {
  const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
  const isCall = word === 'syscall' && !/^$|^(if|harts?|hits?|log)\b/.test(rest);
  const kind: BreakpointKind = isCall ? 'syscall' : 'event';
  return added(context, { ...parseSpec(isCall ? rest : text), kind });
}

/** Changes the breakpoints of these numbers; all without any. */
async function changed(
  { requests }: Context,
  text: string,
  change: (breakpoint: Breakpoint) => Promise<unknown>,
): Promise<Reply> {
  const all = await requests.breakpoints();
  const numbers = text.split(/[\s,]+/).filter((word) => word !== '');
  const chosen = numbers.map((word) => {
    const id = wholeNumber(word, 'The breakpoint', 1);
    const found = all.find((breakpoint) => breakpoint.id === id);
    if (!found) throw new ConsoleError(`There is no breakpoint ${id}.`);
    return found;
  });
  for (const breakpoint of numbers.length > 0 ? chosen : all) await change(breakpoint);
  return { text: '' };
}

const enabling = (name: string, enabled: boolean): Verb => ({
  name,
  group: 'Breakpoints',
  usage: '[NUMBER…]',
  help: enabled ? 'breakpoints stop again' : 'breakpoints stay and do not stop',
  run: (context, text) =>
    changed(context, text, (breakpoint) =>
      context.requests.updateBreakpoint(breakpoint.id, { ...specOf(breakpoint), enabled }),
    ),
});

async function conditioned(context: Context, text: string): Promise<Reply> {
  const [, number = '', condition = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  return changed(context, number, (breakpoint) => {
    const spec = Object.entries(specOf(breakpoint)).filter(([name]) => name !== 'condition');
    const next = Object.fromEntries(spec) as unknown as BreakpointSpec;
    return context.requests.updateBreakpoint(
      breakpoint.id,
      condition === '' ? next : { ...next, condition },
    );
  });
}

export async function listBreakpoints({ requests }: Context): Promise<Reply> {
  const breakpoints = await requests.breakpoints();
  const text = breakpoints.map(breakpointText).join('\n') || 'No breakpoints.';
  return { text, data: { breakpoints } };
}

export const BREAKPOINT_VERBS: readonly Verb[] = [
  breaking(
    'break',
    ['b', 'br'],
    'stops before an instruction or a line: symbol, address, FILE:LINE',
  ),
  breaking('tbreak', ['tb'], 'the same, once', { temporary: true }),
  breaking('barrier', [], 'harts stand there until all of their task have come', { barrier: true }),
  watching('watch', 'stops behind a write: a variable, *(int *)ADDRESS, or an address', 'write'),
  watching('rwatch', 'stops behind a read', 'read'),
  watching('awatch', 'stops behind a read or write', 'access'),
  watching('cwatch', 'stops behind a write that changes the value', 'change'),
  {
    name: 'catch',
    group: 'Breakpoints',
    usage: 'syscall NAME | EVENT [options]',
    help: 'stops before a system call, or at an event: fork, loan, copy, conflict, signal, exit …',
    completes: [
      ...['syscall', 'fork', 'start', 'loan', 'copy', 'adopt', 'conflict', 'join', 'end'],
      ...['signal', 'exit'],
    ],
    run: caught,
  },
  {
    name: 'delete',
    short: ['d'],
    group: 'Breakpoints',
    usage: '[NUMBER…]',
    help: 'takes breakpoints away',
    run: (context, text) =>
      changed(context, text, ({ id }) => context.requests.removeBreakpoint(id)),
  },
  enabling('enable', true),
  enabling('disable', false),
  {
    name: 'condition',
    group: 'Breakpoints',
    usage: 'NUMBER [CONDITION]',
    help: 'gives a breakpoint a condition, or takes it away',
    run: conditioned,
  },
];
