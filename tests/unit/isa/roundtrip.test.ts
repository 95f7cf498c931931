import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, decode, disassemble, INSTRUCTIONS } from '../../../emulator/isa';
import { anyWordOf } from './words';

/** High enough that every target of a jump back is an address. */
const PC = 0x4000_0000;

function assembleWord(text: string): number {
  const { bytes } = assemble(text, { base: PC });
  const view = new DataView(bytes.buffer);
  return bytes.length === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
}

describe('assembling what the disassembler printed', () => {
  it.each(INSTRUCTIONS.map((row) => [row.name, row] as const))('gives %s again', (name, row) => {
    fc.assert(
      fc.property(anyWordOf(row), (word) => {
        const decoded = decode(word);
        if (!decoded) expect.fail(`${name} ${word.toString(16)} does not decode`);
        const { text } = disassemble(decoded, PC, { aliases: false });
        expect(assembleWord(text)).toBe(word);

        const pretty = disassemble(decoded, PC).text;
        const again = decode(assembleWord(pretty));
        const meaning = { ...again, encoded: decoded.encoded, length: decoded.length };
        // `mv` is the one alias that is printed for two instructions that do the same.
        if (name !== 'c.mv') expect(meaning).toEqual(decoded);
      }),
      { numRuns: 60 },
    );
  });
});

describe('li', () => {
  /** What the registers hold after a sequence of lui, addi, addiw and slli. */
  function run(text: string): bigint {
    const { bytes } = assemble(text);
    const view = new DataView(bytes.buffer);
    let a0 = 0n;
    for (let at = 0; at < bytes.length; at += 4) {
      const decoded = decode(view.getUint32(at, true));
      const imm = BigInt(decoded?.imm ?? 0);
      const from = decoded?.rs1 === 0 ? 0n : a0;
      switch (decoded?.instruction.name) {
        case 'lui':
          a0 = imm;
          break;
        case 'addi':
          a0 = BigInt.asIntN(64, from + imm);
          break;
        case 'addiw':
          a0 = BigInt.asIntN(32, from + imm);
          break;
        case 'slli':
          a0 = BigInt.asIntN(64, from << imm);
          break;
        default:
          expect.fail(`li uses ${decoded?.instruction.name ?? 'an illegal instruction'}`);
      }
    }
    return a0;
  }

  it('loads any constant of 64 bits in at most eight instructions', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
        fc.nat(63),
        (n, shift) => {
          const constant = n >> BigInt(shift);
          expect(run(`li a0, ${constant}`)).toBe(BigInt.asIntN(64, constant));
          expect(assemble(`li a0, ${constant}`).bytes.length).toBeLessThanOrEqual(32);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('loads the constants at the edges of its steps', () => {
    for (const power of [11n, 12n, 31n, 32n, 43n, 44n, 63n]) {
      for (const delta of [-1n, 0n, 1n]) {
        for (const constant of [(1n << power) + delta, -(1n << power) + delta]) {
          expect(run(`li a0, ${constant}`)).toBe(BigInt.asIntN(64, constant));
        }
      }
    }
  });
});
