import { describe as suite, expect, it } from 'vitest';
import { assemble, decode, describe, INSTRUCTIONS, type Description } from '../../../emulator/isa';

function describeLine(line: string): Description {
  const { bytes } = assemble(line);
  const word = [...bytes].reduceRight((value, byte) => value * 256 + byte, 0);
  const decoded = decode(word);
  return decoded ? describe(decoded) : expect.fail(`${line} does not decode`);
}

suite('the description of an instruction', () => {
  it('shows its bits from the most significant on, with the fields that they belong to', () => {
    const { bits, word, length } = describeLine('beq a0, a1, .-4');
    expect({ word, length }).toEqual({ word: 0xfeb50ee3, length: 4 });
    expect(bits).toEqual([
      { high: 31, low: 25, bits: '1111111', label: 'imm[12|10:5]' },
      { high: 24, low: 20, bits: '01011', label: 'rs2' },
      { high: 19, low: 15, bits: '01010', label: 'rs1' },
      { high: 14, low: 12, bits: '000' },
      { high: 11, low: 7, bits: '11101', label: 'imm[4:1|11]' },
      { high: 6, low: 0, bits: '1100011' },
    ]);
  });

  it('puts a scattered immediate together', () => {
    expect(describeLine('beq a0, a1, .-4').fields).toEqual([
      { name: 'imm', value: -4, text: '-4' },
      { name: 'rs2', value: 11, text: 'a1' },
      { name: 'rs1', value: 10, text: 'a0' },
    ]);
  });

  it('names registers of either kind, rounding modes, CSRs and accesses', () => {
    const values = (line: string): string[] =>
      describeLine(line).fields.map(({ name, text }) => `${name}=${text}`);
    expect(values('fcvt.w.d a0, fa1, rtz')).toEqual(['rs1=fa1', 'rm=rtz', 'rd=a0']);
    expect(values('fld fa0, 8(sp)')).toEqual(['imm=8', 'rs1=sp', 'rd=fa0']);
    expect(values('csrrwi a0, fcsr, 3')).toEqual(['csr=fcsr', 'uimm=3', 'rd=a0']);
    expect(values('fence rw, w').slice(0, 3)).toEqual(['fm=0', 'pred=rw', 'succ=w']);
    expect(values('lr.w.aq a0, (a1)')).toEqual(['aq=1', 'rl=0', 'rs1=a1', 'rd=a0']);
  });

  it('tells what a compressed instruction stands for', () => {
    const compressed = describeLine('c.lw a0, 8(a1)');
    expect(compressed).toMatchObject({ name: 'c.lw', expandsTo: 'lw', length: 2, extension: 'C' });
    expect(compressed.fields).toContainEqual({ name: "rd'", value: 10, text: 'a0' });
    expect(describeLine('lw a0, 8(a1)').expandsTo).toBeUndefined();
  });

  it('has all bits of every example', () => {
    for (const { example } of INSTRUCTIONS) {
      const { bits, word, length } = describeLine(example);
      const digits = bits.map((run) => run.bits).join('');
      expect(digits).toHaveLength(8 * length);
      expect(Number.parseInt(digits, 2)).toBe(word);
    }
  });
});
