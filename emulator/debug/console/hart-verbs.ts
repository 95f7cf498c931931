import { EVENT_KINDS } from '../../memory/events';
import { PAGE_SIZE } from '../../memory/layout';
import { describeLocation } from '../location';
import type { HartInfo, HartMarks, Width } from '../protocol';
import { ConsoleError, wholeNumber, type Context, type Reply, type Verb } from './console-types';
import { hartText, hexadecimal, stopReply } from './stop-text';

const LISTED_EVENTS = 20;

/** `* 3 vCPU 3 of task 1: work+0x10, group 1, frozen`. */
function hartLine(hart: HartInfo, focus: number): string {
  const { id, task, location, instructions, group, name } = hart;
  return [
    `${id === focus ? '*' : ' '} ${id}${name === undefined ? '' : ` “${name}”`}${task ? ` vCPU ${task.vcpu} of task ${task.id} (${task.mode})` : ''}: ${describeLocation(location)}`,
    `${instructions} instructions`,
    hart.state === 'stopped' || hart.state === 'running' ? '' : hart.state,
    hart.waitsFor === undefined ? '' : `waits for ${hart.waitsFor}`,
    group === undefined ? '' : `group ${group}`,
    hart.diverged ? 'diverged' : '',
    hart.frozen ? 'frozen' : '',
    hart.heldAt === undefined ? '' : `at barrier ${hart.heldAt}`,
    hart.pinned ? 'pinned' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

export async function listHarts({ requests, hart }: Context): Promise<Reply> {
  const { harts, endedVcpus } = await requests.state();
  const lines = harts.map((each) => hartLine(each, hart));
  for (const { hart: id, task, reason } of endedVcpus) {
    lines.push(`  ${id} vCPU ${task.vcpu} of task ${task.id} (${task.mode}): ended, ${reason}`);
  }
  return { text: lines.join('\n'), data: { harts, endedVcpus } };
}

async function focused(context: Context, text: string): Promise<Reply> {
  const state = await context.requests.state();
  const id = text === '' ? context.hart : wholeNumber(text, 'The hart');
  const hart = state.harts.find((each) => each.id === id);
  if (!hart) throw new ConsoleError(`There is no hart ${id}.`);
  context.hart = id;
  context.frame = 0;
  context.listed = context.disassembled = undefined;
  return { text: (await hartText(context, hart)).text, data: { hart } };
}

async function widened(context: Context, text: string): Promise<Reply> {
  const widths: readonly string[] = ['hart', 'group', 'all', 'usual'];
  if (text === '') return { text: `Width: ${context.width ?? 'usual'}` };
  if (!widths.includes(text)) throw new ConsoleError(`The width is one of ${widths.join(', ')}.`);
  context.width = text === 'usual' ? undefined : (text as Width);
  return Promise.resolve({ text: '' });
}

const numbersOf = (context: Context, text: string): number[] =>
  text === '' ? [context.hart] : text.split(/[\s,]+/).map((word) => wholeNumber(word, 'The hart'));

const marking = (name: string, help: string, marks: HartMarks): Verb => ({
  name,
  group: 'Harts',
  usage: '[HART…]',
  help,
  run: async (context, text) => {
    for (const hart of numbersOf(context, text)) await context.requests.markHart(hart, marks);
    return { text: '' };
  },
});

/** vCPUs by task. */
export async function listTasks({ requests }: Context): Promise<Reply> {
  const { harts, endedVcpus } = await requests.state();
  const tasks = new Map<number, { mode: string; living: number[]; ended: string[] }>();
  const taskOf = (id: number, mode: string): { living: number[]; ended: string[] } => {
    const task = tasks.get(id) ?? { mode, living: [], ended: [] };
    tasks.set(id, task);
    return task;
  };
  for (const { id, task } of harts) if (task) taskOf(task.id, task.mode).living.push(id);
  for (const { task, reason } of endedVcpus) {
    taskOf(task.id, task.mode).ended.push(`${task.vcpu} ${reason}`);
  }
  const lines = [...tasks].map(([id, { mode, living, ended }]) =>
    [
      `task ${id} (${mode})`,
      living.length > 0 && `harts ${living.join(', ')}`,
      ended.length > 0 && `ended: ${ended.join(', ')}`,
    ]
      .filter((part) => part !== false)
      .join('; '),
  );
  return {
    text: lines.join('\n') || 'No tasks.',
    data: { tasks: [...tasks].map(([id, task]) => ({ id, ...task })) },
  };
}

/** `events [HOW MANY] [KIND…]`. */
export async function listEvents({ requests }: Context, text: string): Promise<Reply> {
  const [, count = '', words = ''] = /^(\d*)\s*(.*)$/s.exec(text) ?? [];
  const limit = count === '' ? LISTED_EVENTS : wholeNumber(count, 'How many', 1);
  const kinds = words.split(/[\s,]+/).filter((word) => word !== '');
  const known: readonly string[] = EVENT_KINDS;
  const wrong = kinds.find((kind) => !known.includes(kind));
  if (wrong !== undefined) {
    throw new ConsoleError(`No event is called ${wrong}: there are ${known.join(', ')}.`);
  }
  const filter = kinds.length === 0 ? {} : { kinds };
  const { events, lost } = await requests.events(Math.min(limit, 1000), filter);
  const lines = events.map(({ number, hart, kind, location, page, detail }) => {
    const about = detail ?? (page > 0 ? `page ${hexadecimal(page * PAGE_SIZE)}` : '');
    return `${number} hart ${hart} ${kind} ${about} at ${describeLocation(location)}`.replace(
      / {2,}/g,
      ' ',
    );
  });
  if (lost > 0) lines.unshift(`${lost} events were overwritten before.`);
  return { text: lines.join('\n') || 'No events.', data: { events, lost } };
}

async function named(context: Context, text: string): Promise<Reply> {
  const [, hart = '', name = ''] = /^(\d+)\s*(.*)$/s.exec(text) ?? [];
  if (hart === '') throw new ConsoleError('Write HART NAME.');
  await context.requests.markHart(Number(hart), { name });
  return { text: '' };
}

async function killed(context: Context, text: string): Promise<Reply> {
  const { stop } = await context.requests.state();
  for (const hart of numbersOf(context, text)) await context.requests.killHart(hart);
  const state = await context.requests.state();
  const { harts } = state;
  if (!harts.some(({ id }) => id === context.hart)) context.hart = harts[0]?.id ?? 0;
  // Others may have waited at a barrier point for this one only.
  const haveCome = state.stop?.kind === 'barrier' && stop?.kind !== 'barrier';
  return haveCome ? stopReply(context, state) : { text: '' };
}

export const HART_VERBS: readonly Verb[] = [
  {
    name: 'hart',
    short: ['thread'],
    group: 'Harts',
    usage: '[NUMBER [VERB…]]',
    help: 'chooses the hart that verbs are about, or does one verb about it',
    run: focused,
  },
  { name: 'harts', group: 'Harts', help: 'lists all harts', run: listHarts },
  {
    name: 'width',
    group: 'Harts',
    usage: '[hart | group | all | usual]',
    help: 'whom commands move; usual: steps one hart, continue all',
    completes: ['hart', 'group', 'all', 'usual'],
    run: widened,
  },
  marking('freeze', 'harts stand still until they are thawed', { frozen: true }),
  marking('thaw', 'harts may go on, also from a barrier point', { frozen: false }),
  marking('pin', 'harts stay in sight', { pinned: true }),
  marking('unpin', 'harts are shown as the others', { pinned: false }),
  {
    name: 'name',
    group: 'Harts',
    usage: 'HART [NAME]',
    help: 'gives a hart a name, or takes it away',
    run: named,
  },
  { name: 'kill', group: 'Harts', usage: '[HART…]', help: 'ends a vCPU or thread', run: killed },
];
