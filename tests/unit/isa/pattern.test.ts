import { describe, expect, it } from 'vitest';
import { fits, overlap, parsePattern, readField, writeField } from '../../../emulator/isa/pattern';
import { INSTRUCTIONS } from '../../../emulator/isa';

describe('the pattern of an encoding', () => {
  it('gives the mask and the match of its fixed bits', () => {
    const add = parsePattern('0000000 rs2 rs1 000 rd 0110011');
    expect(add).toMatchObject({ length: 4, mask: 0xfe00707f, match: 0x33 });
    expect(add.fields.map((field) => field.name)).toEqual(['rs2', 'rs1', 'rd']);
  });

  it('gathers a scrambled immediate from its pieces', () => {
    const jal = parsePattern('imm[20|10:1|11|19:12] rd 1101111');
    const imm = jal.fields[0];
    expect(readField(imm, 0xffdff06f)).toBe(-4);
    expect(writeField(imm, -4)).toBe(0xffdff000 | 0);
    expect(readField(imm, 0x0010_0000)).toBe(2048);
  });

  it('says which values a field can hold', () => {
    const [imm] = parsePattern('imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011').fields;
    expect([-4096, 4094].every((value) => fits(imm, value))).toBe(true);
    expect([-4098, 4096, 1].some((value) => fits(imm, value))).toBe(false);
    const rd = parsePattern("100 1 11 rd' 11 000 01").fields[0];
    expect([8, 15].every((value) => fits(rd, value))).toBe(true);
    expect([7, 16].some((value) => fits(rd, value))).toBe(false);
  });

  it('is refused when it is not 16 or 32 bits wide', () => {
    expect(() => parsePattern('0000000 rs2 rs1 000 rd 011001')).toThrow(/31 bits wide/);
  });

  it('is refused when it has an unknown field or a field of unknown width', () => {
    expect(() => parsePattern('rs4 rs2 rs1 000 rd 0110011')).toThrow(/unknown field "rs4"/);
    expect(() => parsePattern('imm rs1 000 rd 0110011')).toThrow(/does not say which bits/);
  });
});

describe('the instruction table', () => {
  const patterns = INSTRUCTIONS.map((row) => ({ row, pattern: parsePattern(row.pattern) }));

  it('names each instruction once', () => {
    const names = INSTRUCTIONS.map((row) => row.name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('has no two rows that overlap unless one says that it narrows the other', () => {
    const clashes: string[] = [];
    patterns.forEach((a, i) => {
      for (const b of patterns.slice(i + 1)) {
        const stated = a.row.narrows === b.row.name || b.row.narrows === a.row.name;
        if (overlap(a.pattern, b.pattern) !== stated) clashes.push(`${a.row.name}, ${b.row.name}`);
      }
    });
    expect(clashes).toEqual([]);
  });

  it('gives every instruction semantics, its own or those of the one it expands to', () => {
    const base = new Set(INSTRUCTIONS.filter((row) => row.semantics).map((row) => row.name));
    const without = INSTRUCTIONS.filter((row) => !base.has(row.expands?.to ?? row.name));
    expect(without.map((row) => row.name)).toEqual([]);
  });

  it('gives a compressed instruction the control flow of the one it expands to', () => {
    const control = new Map(INSTRUCTIONS.map((row) => [row.name, row.control]));
    const wrong = INSTRUCTIONS.filter(
      (row) => row.expands && control.get(row.expands.to) !== row.control,
    );
    expect(wrong.map((row) => row.name)).toEqual([]);
  });
});
