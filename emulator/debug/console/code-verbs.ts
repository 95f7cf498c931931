import { describeLocation } from '../location';
import type { DisassembledLine } from '../protocol';
import type { StackFrameInfo } from '../protocol-source';
import { ConsoleError, wholeNumber, type Context, type Reply, type Verb } from './console-types';
import { codeAddress } from './run-verbs';
import { hexadecimal, placeText } from './stop-text';

const LISTED_LINES = 10;
const DISASSEMBLED_LINES = 10;
const MOST_FRAMES = 64;

/** `=> 0x10074 <main+4>: addi sp,sp,-32`. */
export function instructionText(line: DisassembledLine, pc?: number): string {
  const { address, symbol, offset = 0, mnemonic, operands } = line;
  const place = symbol === undefined ? '' : ` <${symbol}${offset > 0 ? `+${offset}` : ''}>`;
  const mark = pc === undefined ? '' : address === pc ? '=> ' : '   ';
  return `${mark}${hexadecimal(address)}${place}: ${mnemonic} ${operands}`.trimEnd();
}

async function disassembled(context: Context, text: string): Promise<Reply> {
  const { requests, hart } = context;
  const { pc } = await requests.registers(hart);
  const start = text === '' ? (context.disassembled ?? pc) : await codeAddress(context, text);
  const lines = await requests.disassemble(start, 0, DISASSEMBLED_LINES, false, hart);
  const last = lines.at(-1);
  if (!last) throw new ConsoleError(`No code is at ${hexadecimal(start)}.`);
  context.disassembled = last.address + last.bytes.length / 2;
  return { text: lines.map((line) => instructionText(line, pc)).join('\n'), data: { lines } };
}

function frameText({
  number,
  name,
  location,
  place,
  inlined,
  parameters,
  interrupted,
}: StackFrameInfo): string {
  const what = name ?? describeLocation(location);
  const values = parameters.map((each) => `${each.name}=${each.value}`).join(', ');
  const at = place ? ` at ${placeText(place)}` : ` (${hexadecimal(location.address)})`;
  return `#${number} ${what} (${values})${at}${inlined ? ' inlined' : ''}${interrupted ? ' interrupted' : ''}`;
}

async function backtrace({ requests, hart }: Context, text: string): Promise<Reply> {
  const limit = text === '' ? MOST_FRAMES : wholeNumber(text, 'How many', 1);
  const { frames, cut } = await requests.stack(hart, Math.min(limit, 1000));
  const lines = frames.map(frameText);
  if (cut) lines.push('…');
  return { text: lines.join('\n'), data: { hart, frames, cut } };
}

async function chooseFrame(context: Context, number: number): Promise<Reply> {
  const { requests, hart } = context;
  const { frames } = await requests.stack(hart, number + 1);
  const frame = frames.find((each) => each.number === number);
  if (!frame) throw new ConsoleError(`Hart ${hart} has no frame ${number}.`);
  context.frame = number;
  context.listed = undefined;
  return { text: frameText(frame), data: { frame } };
}

/** The lines around the place, around where the frame is, or the next ones. */
async function listed(context: Context, text: string): Promise<Reply> {
  const { machine } = context;
  const from = await listPlace(context, text);
  const lines = await machine.readSource?.(from.path);
  if (!lines) throw new ConsoleError(`The file ${from.path} cannot be found.`);
  const first = Math.max(1, from.line);
  const shown = lines.slice(first - 1, first - 1 + LISTED_LINES);
  if (shown.length === 0) throw new ConsoleError(`${from.path} has ${lines.length} lines.`);
  context.listed = { path: from.path, line: first + shown.length };
  return {
    text: shown.map((line, n) => `${first + n}\t${line}`).join('\n'),
    data: { path: from.path, line: first, lines: shown },
  };
}

async function listPlace(
  context: Context,
  text: string,
): Promise<{ readonly path: string; readonly line: number }> {
  const { requests, hart, frame, listed: next } = context;
  if (text === '' && next) return next;
  if (text !== '') {
    const place = await requests.lineAt(await codeAddress(context, text), hart);
    if (!place) throw new ConsoleError(`No source line of ${text} is known.`);
    return { path: place.path, line: place.line - LISTED_LINES / 2 };
  }
  const { frames } = await requests.stack(hart, frame + 1);
  const place = frames.find(({ number }) => number === frame)?.place;
  if (!place) throw new ConsoleError(`No source line is known here${await whyNoLines(context)}.`);
  return { path: place.path, line: place.line - LISTED_LINES / 2 };
}

/** Why a program has no lines at all; nothing when it has some. */
async function whyNoLines({ requests, hart }: Context): Promise<string> {
  const { debugInfo, separate = '', files, problems } = await requests.sources(hart);
  if (debugInfo === 'separate') {
    return `: the debugging information lies in ${separate}, which is not read`;
  }
  if (files.length > 0) return '';
  const [problem] = problems;
  return problem === undefined ? ': compile the program with -g' : `: ${problem}`;
}

export const CODE_VERBS: readonly Verb[] = [
  {
    name: 'backtrace',
    short: ['bt'],
    group: 'Code',
    usage: '[FRAMES]',
    help: 'the call stack of the hart',
    run: backtrace,
  },
  {
    name: 'frame',
    short: ['f'],
    group: 'Code',
    usage: '[NUMBER]',
    help: 'chooses a frame of the call stack',
    run: (context, text) =>
      chooseFrame(context, text === '' ? context.frame : wholeNumber(text, 'The frame')),
  },
  {
    name: 'up',
    group: 'Code',
    help: 'to the frame of the caller',
    run: (context) => chooseFrame(context, context.frame + 1),
  },
  {
    name: 'down',
    group: 'Code',
    help: 'to the frame of what was called',
    run: (context) => chooseFrame(context, Math.max(0, context.frame - 1)),
  },
  {
    name: 'disassemble',
    short: ['dis'],
    group: 'Code',
    usage: '[PLACE]',
    help: 'instructions from the place, the pc, or the ones behind',
    repeats: true,
    completes: 'symbols',
    run: disassembled,
  },
  {
    name: 'list',
    short: ['l'],
    group: 'Code',
    usage: '[PLACE]',
    help: 'source lines around the place, the frame, or the ones behind',
    repeats: true,
    completes: 'symbols',
    run: listed,
  },
];
