import { describe, expect, it } from 'vitest';
import { assemble, decode, describeInstruction, INSTRUCTIONS } from '../../../emulator/isa';

/** The encoding and the description of one line of assembly. */
function describeLine(
  line: string,
): ReturnType<typeof describeInstruction> & { word: number; length: number } {
  const { bytes } = assemble(line);
  const word = [...bytes].reduceRight((value, byte) => value * 256 + byte, 0);
  const decoded = decode(word) ?? expect.fail(`${line} does not decode`);
  return { ...describeInstruction(decoded), word, length: bytes.length };
}

describe('the description of an instruction', () => {
  it('shows its bits from the most significant down, with the fields that they belong to', () => {
    expect(describeLine('beq a0, a1, .-4').fields).toEqual([
      { name: 'imm[12|10:5]', high: 31, low: 25, bits: '1111111', meaning: '-4' },
      { name: 'rs2', high: 24, low: 20, bits: '01011', meaning: 'a1' },
      { name: 'rs1', high: 19, low: 15, bits: '01010', meaning: 'a0' },
      { name: 'funct3', high: 14, low: 12, bits: '000' },
      { name: 'imm[4:1|11]', high: 11, low: 7, bits: '11101', meaning: '-4' },
      { name: 'opcode', high: 6, low: 0, bits: '1100011' },
    ]);
  });

  it('names registers of either kind, rounding modes, CSRs and accesses', () => {
    const meanings = (line: string): string[] =>
      describeLine(line).fields.flatMap(({ name, meaning }) =>
        meaning === undefined ? [] : `${name}=${meaning}`,
      );
    expect(meanings('fcvt.w.d a0, fa1, rtz')).toEqual(['rs1=fa1', 'rm=rtz', 'rd=a0']);
    expect(meanings('fld fa0, 8(sp)')).toEqual(['imm[11:0]=8', 'rs1=sp', 'rd=fa0']);
    expect(meanings('csrrwi a0, fcsr, 3')).toEqual(['csr=fcsr', 'uimm=3', 'rd=a0']);
    expect(meanings('fence rw, w').slice(0, 3)).toEqual(['fm=0', 'pred=rw', 'succ=w']);
    expect(meanings('lr.w.aq a0, (a1)')).toEqual(['aq=1', 'rl=0', 'rs1=a1', 'rd=a0']);
    expect(meanings('c.lw a0, 8(a1)')).toEqual([
      ...['uimm[5:3]=8', "rs1'=a1", 'uimm[2|6]=8', "rd'=a0"],
    ]);
  });

  it('tells what a compressed instruction stands for', () => {
    expect(describeLine('c.lw a0, 8(a1)')).toMatchObject({
      name: 'c.lw',
      extension: 'C',
      expandsTo: 'lw',
    });
    expect(describeLine('lw a0, 8(a1)').expandsTo).toBeUndefined();
  });

  it('has all bits of every example', () => {
    for (const { example } of INSTRUCTIONS) {
      const { fields, word, length } = describeLine(example);
      const digits = fields.map((field) => field.bits).join('');
      expect(digits).toHaveLength(8 * length);
      expect(Number.parseInt(digits, 2)).toBe(word);
    }
  });
});
