import { decode, instructionLength } from '../../emulator/isa';
import type { Extension } from '../../emulator/isa/types';
import { disassembleWord } from '../../emulator/isa/disassemble';
import { makeBatch, type Outcome, type Program, type RegisterState } from '../support/batch';
import { runOne, type Driver } from '../support/driver';
import { integerValue, Random } from '../support/random';
import {
  encodeItems,
  SCRATCH_REACH,
  StreamGenerator,
  streamInstructions,
  type Item,
} from '../support/streams';
import { floatCases } from './float-operands';

/** Streams of one kind: which extensions' instructions occur, the ones under test more often. */
export interface StreamKind {
  readonly name: string;
  readonly extensions: readonly Extension[];
  /** Surroundings: loads, stores and branches, or what makes fresh operands. */
  readonly among?: readonly Extension[];
}

export const STREAM_KINDS: readonly StreamKind[] = [
  { name: 'I', extensions: ['I'] },
  { name: 'M', extensions: ['M'], among: ['I'] },
  { name: 'A', extensions: ['A'], among: ['I'] },
  { name: 'F', extensions: ['F'] },
  { name: 'D', extensions: ['D', 'F'] },
  { name: 'Zfh', extensions: ['Zfh'], among: ['F', 'D'] },
  { name: 'C', extensions: ['C'], among: ['I'] },
  { name: 'Zicsr', extensions: ['Zicsr'], among: ['I'] },
  { name: 'Zba', extensions: ['Zba'], among: ['I'] },
  { name: 'Zbb', extensions: ['Zbb'], among: ['I'] },
  { name: 'Zbc', extensions: ['Zbc'], among: ['I'] },
  { name: 'Zbs', extensions: ['Zbs'], among: ['I'] },
  {
    name: 'everything',
    extensions: [
      'I',
      'M',
      'A',
      'F',
      'D',
      'C',
      'Zicsr',
      'Zifencei',
      'Zba',
      'Zbb',
      'Zbc',
      'Zbs',
      'Zfh',
    ],
  },
];

const FLOATS: readonly Extension[] = ['F', 'D', 'Zfh'];
const FORMATS = ['h', 's', 'd'] as const;
const OPERATIONS = ['fma', 'add', 'mul', 'div', 'sqrt', 'to_i64'] as const;
const BOX = { h: 0xffffffffffff0000n, s: 0xffffffff00000000n, d: 0n };
/** What suits what: the number of an operation and a format. */
const KINDS = OPERATIONS.flatMap((op) => FORMATS.map((format) => ({ op, format })));
/** Doublewords of the scratch memory that hold operands, three for each kind in turn. */
const TRIPLES = Math.floor((2 * SCRATCH_REACH) / 24);

const SHAPES = {
  h: { bias: 15, fractionBits: 10n },
  s: { bias: 127, fractionBits: 23n },
  d: { bias: 1023, fractionBits: 52n },
} as const;

/**
 * Factors whose product rounds to the least normal number or to its neighbours: there a result that looks
 * ordinary may be an underflow.
 */
function leastNormalFactors(random: Random, format: keyof typeof SHAPES): bigint[] {
  const { bias, fractionBits } = SHAPES[format];
  const exponent = 1 + random.below(bias - 1);
  const few = (): bigint => BigInt(random.below(3));
  const high = (BigInt(exponent + 1) << fractionBits) - 1n - few();
  const low = (BigInt(bias - exponent) << fractionBits) + few();
  return [high, low, 0n];
}

/** Three related operands, boxed or (rarely) not. */
function operandTriple(random: Random, { op, format }: (typeof KINDS)[number]): bigint[] {
  const isProduct = op === 'mul' || op === 'fma';
  const operands =
    isProduct && random.oneIn(6)
      ? leastNormalFactors(random, format)
      : [...floatCases(op, format, 1, random.u32() | 1)].flatMap((test) => test.operands);
  return operands.map((bits) => bits | (random.oneIn(24) ? 0n : BOX[format]));
}

/** Offsets from the base register of the operands that suit a floating-point instruction. */
function operandOffsets(name: string): number[] {
  const formats = name.split('.').filter((part) => /^[hsd]$/.test(part));
  const format = formats.at(-1) ?? 'd';
  const [, fused, other] = /^f(n?m(?:add|sub))?(add|mul|div|sqrt|cvt)?/.exec(name) ?? [];
  const op = fused !== undefined ? 'fma' : other === 'cvt' ? 'to_i64' : (other ?? 'add');
  const kind = KINDS.findIndex((k) => k.op === op && k.format === format);
  return Array.from({ length: TRIPLES }, (_, i) => i)
    .filter((i) => i % KINDS.length === kind)
    .map((i) => 24 * i - SCRATCH_REACH);
}

interface Stream {
  readonly items: readonly Item[];
  readonly program: Program;
}

function randomState(random: Random): RegisterState {
  return {
    x: Array.from({ length: 32 }, () => integerValue(random)),
    f: Array.from({ length: 11 }, () => operandTriple(random, random.pick(KINDS)))
      .flat()
      .slice(0, 32),
    fcsr: (random.oneIn(2) ? 0 : random.below(5) << 5) | random.below(32),
  };
}

function randomMemory(random: Random, rounds: boolean): Uint8Array {
  const words = BigUint64Array.from({ length: (2 * SCRATCH_REACH) / 8 }, () =>
    integerValue(random),
  );
  for (let i = 0; rounds && i < TRIPLES; i++) {
    words.set(operandTriple(random, KINDS[i % KINDS.length]), 3 * i);
  }
  return new Uint8Array(words.buffer);
}

function makeStream(kind: StreamKind, length: number, random: Random): Stream {
  const tested = streamInstructions(kind.extensions);
  const among = streamInstructions(kind.among ?? []);
  const rounds = [...kind.extensions, ...(kind.among ?? [])].some((e) => FLOATS.includes(e));
  const base = random.oneIn(2) ? 8 + random.below(8) : 1 + random.below(31);
  const instructions = Array.from({ length: 60 }, (_, i) => {
    return random.pick(among.length > 0 && i % 3 === 0 ? among : tested);
  });
  const plan = { instructions, base, rounds, operands: operandOffsets };
  const generator = new StreamGenerator(random, plan);
  const items = generator.items(length);
  const program = {
    code: encodeItems(items),
    initial: randomState(random),
    base,
    memory: randomMemory(random, rounds),
  };
  return { items, program };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** What differs between two outcomes, as text; empty when nothing does. */
function difference(expected: Outcome, actual: Outcome): string {
  const parts: string[] = [];
  const compare = (name: string, a: bigint, b: bigint): void => {
    if (a !== b) parts.push(`${name} is ${hex(b)}, not ${hex(a)}`);
  };
  expected.x.forEach((value, n) => compare(`x${n}`, value, actual.x[n]));
  expected.f.forEach((value, n) => compare(`f${n}`, value, actual.f[n]));
  compare('fcsr', BigInt(expected.fcsr), BigInt(actual.fcsr));
  const at = expected.memory.findIndex((byte, i) => byte !== actual.memory[i]);
  if (at >= 0) parts.push(`memory differs at base ${at - SCRATCH_REACH}`);
  return parts.join(', ');
}

function disassembly(code: Uint8Array): string {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const lines: string[] = [];
  for (let at = 0; at < code.length;) {
    const low = view.getUint16(at, true);
    const length = instructionLength(low);
    const word = length === 4 ? view.getUint32(at, true) : low;
    const decoded = decode(word);
    lines.push(decoded ? disassembleWord(word, at).text : `.word ${hex(BigInt(word))}`);
    at += length;
  }
  return lines.join('; ');
}

/** Cuts a stream after the first item that makes a difference, and describes that. */
function explain({ items, program }: Stream, reference: Driver, driver: Driver): string {
  for (let count = 1; count <= items.length; count++) {
    const cut = { ...program, code: encodeItems(items.slice(0, count)) };
    const before = runOne(reference, { ...program, code: encodeItems(items.slice(0, count - 1)) });
    const text = difference(runOne(reference, cut), runOne(driver, cut));
    if (text === '') continue;
    const last = disassembly(encodeItems(items.slice(count - 1, count)));
    const operands = before.x.map((value, n) => `x${n}=${hex(value)}`).join(' ');
    const floats = before.f.map((value, n) => `f${n}=${hex(value)}`).join(' ');
    return `${last}: ${text}\n  before: fcsr=${hex(BigInt(before.fcsr))} ${operands}\n  ${floats}`;
  }
  return 'only the whole stream differs, none of its beginnings';
}

export interface Comparison {
  /** Streams that differ, described; at most 3. */
  readonly lines: string[];
  readonly streams: number;
}

/** Runs `count` random streams of `length` items on the reference and on the drivers and compares all. */
export function compareStreams(
  kind: StreamKind,
  count: number,
  length: number,
  seed: number,
  reference: Driver,
  drivers: readonly Driver[],
): Comparison {
  const random = new Random(seed);
  const streams = Array.from({ length: count }, () => makeStream(kind, length, random));
  const batch = makeBatch(streams.map(({ program }) => program));
  const expected = reference.run(batch);
  const lines: string[] = [];
  for (const driver of drivers) {
    const actual = driver.run(batch);
    for (let i = 0; i < count && lines.length < 3; i++) {
      if (difference(expected[i], actual[i]) === '') continue;
      const what = explain(streams[i], reference, driver);
      lines.push(`${kind.name}, seed ${seed}, stream ${i}, ${driver.name}: ${what}`);
    }
  }
  return { lines, streams: count };
}
