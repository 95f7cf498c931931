import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../../isa';
import type { VariableInfo } from '../protocol-source';
import { ConsoleError, wholeNumber, type Context, type Reply, type Verb } from './console-types';
import { character, formatInteger, formatItem, parseMemoryFormat } from './memory-format';
import { instructionText } from './code-verbs';
import { displayed, hexadecimal, valueOf } from './stop-text';

/** Bytes of a text that is shown at most. */
const LONGEST_TEXT = 200;
const LINE_BYTES = 16;

/** `print/x a0`: a format letter, then an expression. */
async function printed(context: Context, text: string): Promise<Reply> {
  const [, letter, rest = ''] = /^(?:\/([xduotcf])\s+)?(.*)$/s.exec(text) ?? [];
  if (rest === '') throw new ConsoleError('Say what: an expression.');
  if (letter === undefined) {
    const { value, type, address } = await valueOf(context, rest);
    const data = { value, type, ...(address !== undefined && { address }) };
    return { text: `= ${value}`, data };
  }
  const value = await bitsOf(context, rest);
  const bits = 4 * (value.length - 2);
  const shown =
    letter === 'f' ? floatText(BigInt(value), bits) : formatInteger(BigInt(value), letter, bits);
  return { text: `= ${shown}`, data: { value: shown } };
}

/** The bits of a variable or expression, `0x…`. */
async function bitsOf(context: Context, text: string): Promise<string> {
  const { bits, type } = await valueOf(context, text);
  if (bits !== undefined) return bits;
  throw new ConsoleError(`A ${type} has no single value: print one of its parts.`);
}

function floatText(value: bigint, bits: number): string {
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  // A single in a 64-bit register has its upper half all ones (D extension, NaN boxing).
  const isSingle = bits === 32 || value >> 32n === 0xffff_ffffn;
  return formatItem(isSingle ? bytes.subarray(0, 4) : bytes, {
    count: 1,
    letter: 'f',
    size: isSingle ? 4 : 8,
  });
}

async function examined(context: Context, text: string): Promise<Reply> {
  const [, format = '', place = ''] = /^(?:\/(\S*))?\s*(.*)$/s.exec(text) ?? [];
  const parsed = parseMemoryFormat(format, { count: 1, letter: 'x', size: 4 });
  if (!parsed)
    throw new ConsoleError(`“/${format}” is no format: a count, one of xduotcfsi, one of bhwg.`);
  const { requests, hart } = context;
  const address =
    place === '' ? context.examined : await requests.evaluateAddress(place.replace(/^&/, ''), hart);
  if (address === undefined) throw new ConsoleError('Say where.');
  if (parsed.letter === 'i') return examineCode(context, address, parsed.count);
  if (parsed.letter === 's') return examineText(context, address);
  const { count, size } = parsed;
  const { bytes, holes } = await requests.readMemory(address, count * size, hart);
  const [hole] = holes;
  if (hole && hole.start === address)
    throw new ConsoleError(`Nothing is mapped at ${hexadecimal(address)}.`);
  const end = hole ? hole.start : address + count * size;
  const values = Array.from({ length: Math.floor((end - address) / size) }, (_, n) =>
    formatItem(bytes.subarray(n * size, (n + 1) * size), parsed),
  );
  context.examined = address + values.length * size;
  const perLine = Math.max(1, LINE_BYTES / size);
  const lines = [];
  for (let n = 0; n < values.length; n += perLine) {
    lines.push(`${hexadecimal(address + n * size)}: ${values.slice(n, n + perLine).join('  ')}`);
  }
  if (hole) lines.push(`Nothing is mapped at ${hexadecimal(hole.start)}.`);
  return { text: lines.join('\n'), data: { address, values } };
}

async function examineCode(context: Context, address: number, count: number): Promise<Reply> {
  const lines = await context.requests.disassemble(address, 0, count, false, context.hart);
  const last = lines.at(-1);
  if (!last) throw new ConsoleError(`Nothing is mapped at ${hexadecimal(address)}.`);
  context.examined = last.address + last.bytes.length / 2;
  return { text: lines.map((line) => instructionText(line)).join('\n'), data: { lines } };
}

async function examineText({ requests, hart }: Context, address: number): Promise<Reply> {
  const { bytes, holes } = await requests.readMemory(address, LONGEST_TEXT, hart);
  const mapped = (holes[0]?.start ?? address + bytes.length) - address;
  if (mapped === 0) throw new ConsoleError(`Nothing is mapped at ${hexadecimal(address)}.`);
  const text = bytes.subarray(0, mapped);
  const end = text.indexOf(0);
  const shown = [...text.subarray(0, end < 0 ? mapped : end)].map(character).join('');
  const value = `"${shown}"${end < 0 ? '…' : ''}`;
  return { text: `${hexadecimal(address)}: ${value}`, data: { address, value } };
}

/** `set a0 = 3`, `set *(int *)p = 4`. */
async function assigned(context: Context, text: string): Promise<Reply> {
  const [, place = '', value = ''] = /^(?:var\s+)?(.*?[^=!<>])=([^=].*)$/s.exec(text) ?? [];
  if (place.trim() === '') throw new ConsoleError('Write PLACE = VALUE.');
  const { requests, hart } = context;
  await requests.assign(place.trim(), value.trim(), hart);
  return { text: '' };
}

async function registers({ requests, hart }: Context, text: string): Promise<Reply> {
  const set = await requests.registers(hart);
  const rows: [string, string][] = [
    ...INTEGER_REGISTERS.map((name, n): [string, string] => [name, set.x[n] ?? '']),
    ['pc', `0x${set.pc.toString(16).padStart(16, '0')}`],
    ...FLOAT_REGISTERS.map((name, n): [string, string] => [name, set.f[n] ?? '']),
    ['fcsr', hexadecimal(set.fcsr)],
    ['instret', String(set.instret)],
    ['mhartid', String(set.mhartid)],
  ];
  const wanted = text.split(/[\s,]+/).filter((word) => word !== '');
  const usual = (name: string): boolean => !FLOAT_REGISTERS.includes(name) && name !== 'mhartid';
  const chosen = rows.filter(([name]) =>
    wanted.length === 0 ? usual(name) : wanted.includes(name) || wanted.includes('all'),
  );
  const unknown = wanted.filter((word) => word !== 'all' && !rows.some(([name]) => name === word));
  if (unknown.length > 0) throw new ConsoleError(`No register is called ${unknown.join(', ')}.`);
  return {
    text: chosen.map(([name, value]) => `${name.padEnd(8)}${value}`).join('\n'),
    data: { hart, registers: Object.fromEntries(chosen) },
  };
}

async function locals({ requests, hart, frame }: Context): Promise<Reply> {
  return listVariables(await requests.variables(hart, frame), 'variables');
}

/** The parameters alone. */
async function parameters({ requests, hart, frame }: Context): Promise<Reply> {
  const variables = await requests.variables(hart, frame);
  return listVariables(
    variables.filter(({ kind }) => kind === 'parameter'),
    'parameters',
  );
}

function listVariables(variables: readonly VariableInfo[], what: string): Reply {
  const text = variables.map(({ name, value }) => `${name} = ${value}`).join('\n');
  return { text: text || `No ${what} are known here.`, data: { variables } };
}

/** Shows an expression on every hart that lives. */
async function everywhere({ requests }: Context, text: string): Promise<Reply> {
  const values = await requests.evaluateOnAll(text);
  const lines = values.map(({ hart, value, problem }) =>
    value === undefined
      ? `hart ${hart}: ${problem ?? ''}`
      : `hart ${hart}: ${hexadecimal(BigInt(value))}`,
  );
  return { text: lines.join('\n'), data: { values } };
}

async function displaying(context: Context, text: string): Promise<Reply> {
  if (text !== '') context.displays.set(context.nextDisplay++, text);
  const shown = await displayed(context);
  const last = text === '' ? shown : shown.slice(-1);
  return {
    text: last.map(({ line }) => line).join('\n'),
    data: { displays: last.map(({ data }) => data) },
  };
}

async function undisplayed(context: Context, text: string): Promise<Reply> {
  if (text === '') context.displays.clear();
  else if (!context.displays.delete(wholeNumber(text, 'The display', 1))) {
    throw new ConsoleError(`There is no display ${text}.`);
  }
  return Promise.resolve({ text: '' });
}

/** `info registers`. */
export const INFO_DATA = {
  registers,
  locals,
  args: parameters,
  display: (context: Context): Promise<Reply> => displaying(context, ''),
};

export const DATA_VERBS: readonly Verb[] = [
  {
    name: 'print',
    short: ['p', 'inspect'],
    group: 'Data',
    usage: '[/xduotcf] EXPRESSION',
    help: 'shows a value: variables, registers, memory',
    completes: 'expressions',
    run: printed,
  },
  {
    name: 'every',
    group: 'Data',
    usage: 'EXPRESSION',
    help: 'shows a value on every hart',
    completes: 'expressions',
    run: everywhere,
  },
  {
    name: 'x',
    group: 'Data',
    usage: '[/COUNT FORMAT SIZE] ADDRESS',
    help: 'shows memory: x/8xw sp; formats xduotcfsi, sizes bhwg',
    repeats: true,
    completes: 'expressions',
    run: examined,
  },
  {
    name: 'set',
    group: 'Data',
    usage: 'PLACE = VALUE',
    help: 'writes a register or memory: set a0 = 3, set *(int *)p = 4',
    completes: 'expressions',
    run: assigned,
  },
  {
    name: 'display',
    group: 'Data',
    usage: '[EXPRESSION]',
    help: 'shows a value at each stop',
    completes: 'expressions',
    run: displaying,
  },
  {
    name: 'undisplay',
    group: 'Data',
    usage: '[NUMBER]',
    help: 'shows it no more',
    run: undisplayed,
  },
];
