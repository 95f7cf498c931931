import type { Width } from '../protocol';
import { ConsoleError, wholeNumber, type Context, type Reply, type Verb } from './console-types';
import { isOver, stopReply } from './stop-text';

/** Asks for a move and waits for the stop. */
async function moved(context: Context, ask: () => Promise<void>): Promise<Reply> {
  await ask();
  return stopReply(context, await context.machine.stopped());
}

/** A move that may be done several times; another stop ends it. */
async function repeated(
  context: Context,
  text: string,
  ask: (context: Context, width: Width) => Promise<void>,
): Promise<Reply> {
  const times = text === '' ? 1 : wholeNumber(text, 'How often', 1);
  for (let n = 1; n < times; n++) {
    await ask(context, context.width ?? 'hart');
    const state = await context.machine.stopped();
    if (state.stop?.kind !== 'step') return stopReply(context, state);
  }
  return moved(context, () => ask(context, context.width ?? 'hart'));
}

const step = (
  name: string,
  short: readonly string[],
  help: string,
  ask: (context: Context, width: Width) => Promise<void>,
): Verb => ({
  name,
  short,
  group: 'Running',
  usage: '[TIMES]',
  help,
  repeats: true,
  run: (context, text) => repeated(context, text, ask),
});

async function continued(context: Context): Promise<Reply> {
  const { requests, hart, width = 'all' } = context;
  return moved(context, () => requests.run(width, hart));
}

async function ran(context: Context): Promise<Reply> {
  const state = await context.requests.state();
  if (state.stop?.kind !== 'entry') await context.requests.restart();
  context.hart = 0;
  return continued(context);
}

async function restarted(context: Context): Promise<Reply> {
  await context.requests.restart();
  context.hart = 0;
  return stopReply(context, await context.machine.stopped());
}

async function advanced(context: Context, text: string): Promise<Reply> {
  const { requests, hart, width } = context;
  const address = await codeAddress(context, text);
  return moved(context, () => requests.runTo(address, hart, width));
}

/** The address of `main`, `*0x10074` or `file.c:12`. */
export async function codeAddress({ requests, hart }: Context, text: string): Promise<number> {
  const [, file, line] = /^([^\s:]+):(\d+)$/.exec(text) ?? [];
  if (file === undefined || line === undefined) {
    if (text === '') throw new ConsoleError('Say where: a symbol, an address or FILE:LINE.');
    return requests.evaluateAddress(text.replace(/^\*/, ''), hart);
  }
  const [first] = await requests.breakpointLocations(file, Number(line), hart);
  if (!first) throw new ConsoleError(`No code of line ${line} of ${file} is in the program.`);
  return first.address;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\' };

const unescaped = (text: string): string =>
  text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (all, hex?: string, letter?: string) =>
    hex !== undefined ? String.fromCharCode(parseInt(hex, 16)) : (ESCAPES[letter ?? ''] ?? all),
  );

async function following({ requests }: Context, text: string): Promise<Reply> {
  const vcpu = wholeNumber(text, 'The vCPU');
  await requests.follow(vcpu);
  return { text: vcpu === 0 ? 'Steps stay with the caller.' : `Steps follow vCPU ${vcpu}.` };
}

async function typed({ requests }: Context, text: string): Promise<Reply> {
  const line = text.endsWith('\\c') ? text.slice(0, -2) : `${text}\n`;
  await requests.terminalInput(new TextEncoder().encode(unescaped(line)));
  return { text: '' };
}

async function told(context: Context): Promise<Reply> {
  const state = await context.requests.state();
  if (state.running) return { text: 'Running.' };
  // Of the hart that is looked at, not the one that the stop was about.
  const stop = isOver(state) ? state : { ...state, stopHart: context.hart };
  return stopReply(context, stop);
}

export const RUN_VERBS: readonly Verb[] = [
  {
    name: 'run',
    short: ['r'],
    group: 'Running',
    help: 'runs the program from its beginning',
    run: ran,
  },
  {
    name: 'restart',
    group: 'Running',
    help: 'loads the program afresh and stops at its beginning; breakpoints stay',
    run: restarted,
  },
  {
    name: 'continue',
    short: ['c', 'fg'],
    group: 'Running',
    help: 'lets all harts go on, or as the width says',
    repeats: true,
    run: continued,
  },
  step('step', ['s'], 'to another source line, into functions', ({ requests, hart }, width) =>
    requests.stepLine(hart, 'into', width),
  ),
  step('next', ['n'], 'to another source line, over functions', ({ requests, hart }, width) =>
    requests.stepLine(hart, 'over', width),
  ),
  step('stepi', ['si'], 'one instruction', ({ requests, hart }, width) =>
    requests.stepInstruction(hart, width),
  ),
  step('nexti', ['ni'], 'one instruction, over calls', ({ requests, hart }, width) =>
    requests.stepOver(hart, width),
  ),
  step('finish', ['fin'], 'out of the function', ({ requests, hart }, width) =>
    requests.stepOut(hart, width),
  ),
  step('leave', [], 'to where the function returns', ({ requests, hart }, width) =>
    requests.runToReturn(hart, width),
  ),
  {
    name: 'until',
    short: ['u', 'advance'],
    group: 'Running',
    usage: 'PLACE',
    help: 'runs to a symbol, an address or FILE:LINE',
    completes: 'symbols',
    run: advanced,
  },
  {
    name: 'fork',
    group: 'Running',
    help: 'runs to where the next vCPUs are there',
    run: (context) => moved(context, () => context.requests.runToFork()),
  },
  {
    name: 'together',
    group: 'Running',
    help: 'runs the harts of the last group that have parted until they are at one place',
    run: (context) => moved(context, () => context.requests.runTogether(context.hart)),
  },
  {
    name: 'follow',
    group: 'Running',
    usage: 'VCPU',
    help: 'a step into the start of a task goes on with this vCPU, 0 = with the caller',
    run: following,
  },
  {
    name: 'input',
    group: 'Running',
    usage: 'TEXT',
    help: 'gives the program a line of input; \\n \\t \\xHH are understood',
    run: typed,
  },
  {
    name: 'where',
    group: 'Running',
    help: 'says again where the machine stands',
    run: told,
  },
];
