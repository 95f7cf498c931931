import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, disassembleWord, INSTRUCTIONS } from '../../emulator/isa';
import { anyWordOf } from '../unit/isa/words';
import {
  compileStatic,
  dump,
  dumpWords,
  inScratch,
  missingTools,
  skipMessage,
  UNKNOWN_TO_BINUTILS,
  type DumpLine,
} from './binutils';

if (missingTools.length > 0) console.log(skipMessage('the disassembler against objdump'));

/** The lines that we print otherwise, as `word: objdump's text | ours`. */
function differences(lines: readonly DumpLine[], aliases: boolean): string[] {
  // Which symbol objdump names for a target is its own choice: the text around it is compared.
  const symbols = new Map<bigint, string>();
  for (const { text } of lines) {
    const [, target, symbol] = /\b([0-9a-f]+) <(.*)>$/.exec(text) ?? [];
    if (symbol) symbols.set(BigInt(`0x${target}`), symbol);
  }
  const symbolize = (address: number): string | undefined =>
    symbols.get(BigInt.asUintN(64, BigInt(address)));
  return lines.flatMap(({ address, word, text }) => {
    const ours = disassembleWord(word, address, { symbolize, aliases }).text;
    return ours === text ? [] : `${word.toString(16)}: ${text} | ${ours}`;
  });
}

/** Reads a number from its arguments and computes with integers, floats, doubles and long doubles. */
const PROGRAM = `
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  double x = argc > 1 ? atof(argv[1]) : 1.5;
  float f = x;
  printf("%f %f %Lf %f\\n", sin(x), pow(x, 2.5), (long double)x, fmaf(f, f, f));
  return x > (double)atoll("3");
}
`;

describe.skipIf(missingTools.length > 0)('the disassembler prints what objdump prints', () => {
  it('of the whole text of a static glibc program', () => {
    const lines = inScratch((directory) => dump(compileStatic(directory, PROGRAM)));
    expect(lines.length).toBeGreaterThan(80_000);
    expect(differences(lines, true)).toEqual([]);
  });

  it('of the whole text of a static glibc program, without aliases', () => {
    const lines = inScratch((directory) =>
      dump(compileStatic(directory, PROGRAM), '-M', 'no-aliases'),
    );
    // objdump has no name of its own for c.nop and prints the encoding that it is a case of.
    const others = differences(lines, false).filter((line) => line !== '1: c.addi zero,0 | c.nop');
    expect(others).toEqual([]);
  });

  const seed = Number(process.env.SEED ?? 20260722);
  const words = INSTRUCTIONS.filter(
    ({ extension }) => !UNKNOWN_TO_BINUTILS.includes(extension),
  ).flatMap((row) =>
    fc.sample(anyWordOf(row), { numRuns: 200, seed }).map((word) => ({
      word,
      length: decode(word)?.length ?? expect.fail(`${row.name} does not decode`),
    })),
  );

  it(`of random operands of every instruction it knows (seed ${seed})`, () => {
    const lines = dumpWords(words);
    expect(lines.length).toBe(words.length);
    expect(differences(lines, true)).toEqual([]);
  });

  it(`of random operands of every instruction under its own name (seed ${seed})`, () => {
    const lines = dumpWords(words, '-M', 'no-aliases');
    const others = differences(lines, false).filter((line) => !/\| c\.nop\b/.test(line));
    expect(others).toEqual([]);
  });

  it('of all 16-bit encodings, legal or not', () => {
    const halfwords = Array.from({ length: 0x10000 }, (_, word) => ({ word, length: 2 as const }));
    const compressed = halfwords.filter(({ word }) => (word & 3) !== 3);
    const lines = dumpWords(compressed);
    expect(lines.length).toBe(compressed.length);
    const others = differences(lines, true).filter((line) => {
      const word = Number.parseInt(line, 16);
      return decode(word)?.encoded.extension !== 'Zcb';
    });
    // The manual reserves c.addi16sp with an immediate of zero.
    expect(others).toEqual(['6101: add sp,sp,0 | .2byte 0x6101']);
  });
});
