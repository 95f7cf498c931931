import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, decode, disassemble, INSTRUCTIONS } from '../../emulator/isa';
import { anyWordOf } from '../unit/isa/words';
import { gnuAssemble, missingTools, skipMessage, UNKNOWN_TO_BINUTILS } from './binutils';

if (missingTools.length > 0) console.log(skipMessage('the assembler against GNU as'));

const known = INSTRUCTIONS.filter(({ extension }) => !UNKNOWN_TO_BINUTILS.includes(extension));

/** GNU as compresses what it can: only instructions that are written so may be. */
const forGnu = (line: string): string => `.option ${line.startsWith('c.') ? '' : 'no'}rvc\n${line}`;

/** Compares line by line: each assembled text becomes one instruction. */
function compare(lines: readonly string[]): void {
  const theirs = gnuAssemble(lines.map(forGnu).join('\n'));
  const { bytes, lines: starts } = assemble(lines.join('\n'));
  const at = starts.findIndex(({ address }, i) => {
    const end = starts[i + 1]?.address ?? bytes.length;
    return !Buffer.from(bytes.subarray(address, end)).equals(theirs.subarray(address, end));
  });
  expect(at < 0 ? undefined : lines[at]).toBeUndefined();
  expect(theirs.length).toBe(bytes.length);
}

describe.skipIf(missingTools.length > 0)('the assembler makes what GNU as makes', () => {
  it('of the example of every instruction it knows', () => {
    compare(known.map(({ example }) => example));
  });

  const seed = Number(process.env.SEED ?? 20260722);

  it(`of random operands of every instruction it knows (seed ${seed})`, () => {
    const lines = known.flatMap((row) =>
      fc.sample(anyWordOf(row), { numRuns: 100, seed }).map((word) => {
        const decoded = decode(word);
        if (!decoded) return expect.fail(`${row.name} does not decode`);
        // Targets are written relative to the place, which the object file does not fix.
        const { text } = disassemble(decoded, 0, { aliases: false });
        const isTarget = row.syntax.endsWith('offset');
        return isTarget ? text.replace(/0x[0-9a-f]+$/, `.+${decoded.imm}`) : text;
      }),
    );
    // GNU as has no way to write the empty set of a fence, which objdump prints as "unknown".
    const writable = lines.filter((line) => !line.includes('unknown'));
    expect(writable.length).toBeGreaterThan(0.99 * lines.length);
    compare(writable.map((line) => line.replace('.+-', '.-')));
  });

  it('of the pseudo-instructions', () => {
    compare([
      ...['nop', 'mv a0, a1', 'not a0, a1', 'neg a0, a1', 'negw a0, a1', 'sext.w a0, a1'],
      ...['zext.b a0, a1', 'zext.w a0, a1', 'seqz a0, a1', 'snez a0, a1', 'sltz a0, a1'],
      ...['sgtz a0, a1', 'sgt a0, a1, a2', 'sgtu a0, a1, a2', 'j .+8', 'jal .+8', 'jr a0'],
      ...['jalr a0', 'jalr a0, a1', 'jalr a0, a1, 4', 'jr 8(a0)', 'ret', 'beqz a0, .+8'],
      ...['bnez a0, .+8', 'blez a0, .+8', 'bgez a0, .+8', 'bltz a0, .+8', 'bgtz a0, .+8'],
      ...['bgt a0, a1, .+8', 'ble a0, a1, .+8', 'bgtu a0, a1, .+8', 'bleu a0, a1, .+8'],
      ...['fence', 'rdcycle a0', 'rdtime a0', 'rdinstret a0', 'csrr a0, fcsr', 'csrw fcsr, a0'],
      ...['csrs fcsr, a0', 'csrc fcsr, a0', 'csrwi fcsr, 1', 'csrsi fcsr, 1', 'csrci fcsr, 1'],
      ...['frflags a0', 'fsflags a0', 'fsflags a0, a1', 'frrm a0', 'fsrm a0', 'fsrm a0, a1'],
      ...['frcsr a0', 'fscsr a0', 'fscsr a0, a1', 'fsrmi 1', 'fsrmi a0, 1', 'fsflagsi 1'],
      ...['fmv.s fa0, fa1', 'fabs.d fa0, fa1', 'fneg.h fa0, fa1', 'fmv.x.s a0, fa0', 'unimp'],
      ...['add a0, a1, 4', 'and a0, a1, 4', 'sll a0, a1, 4', 'li a0, -1', 'li a0, 0x12345678'],
    ]);
  });
});
