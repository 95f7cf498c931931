import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode, instructionLength } from '../../../emulator/isa';

const name = (word: number): string | undefined => decode(word)?.encoded.name;

describe('the decoder', () => {
  it('decodes a register instruction', () => {
    const decoded = decode(0x00c58533);
    expect(decoded).toMatchObject({ length: 4, rd: 10, rs1: 11, rs2: 12 });
    expect(decoded?.instruction.name).toBe('add');
  });

  it('expands a compressed instruction to its base instruction', () => {
    const decoded = decode(0x1141); // c.addi sp,-16
    expect(decoded).toMatchObject({ length: 2, rd: 2, rs1: 2, imm: -16 });
    expect(decoded?.instruction.name).toBe('addi');
    expect(decoded?.encoded.name).toBe('c.addi');
  });

  it('looks only at the low 16 bits of a compressed instruction', () => {
    expect(decode(0xdead1141)).toEqual(decode(0x1141));
  });

  it.each([
    ['all zeros', 0x0000],
    ['all ones', 0xffffffff],
    ['c.addi4spn with no immediate', 0x0008],
    ['c.addiw of x0', 0x2005],
    ['c.addi16sp with no immediate', 0x6101],
    ['c.lui with no immediate', 0x6501],
    ['c.lwsp to x0', 0x4002],
    ['c.ldsp to x0', 0x6002],
    ['c.jr of x0', 0x8002],
    ['the reserved place after c.not', 0x9c79],
    ['quadrant 0, funct3 4, Zcb reserved', 0x9c40],
    ['lr.w with rs2', 0x101525af],
    ['fsqrt.s with rs2', 0x5815f553],
    ['fadd.s with rounding mode 5', 0x00c5d553],
    ['fadd.s with rounding mode 6', 0x00c5e553],
    ['slliw by 32', 0x0205951b],
    ['ecall with rd', 0x000000f3],
  ])('refuses %s', (_, word) => {
    expect(decode(word)).toBeUndefined();
  });

  it.each([
    ['c.nop with an immediate', 0x0005, 'c.nop'],
    ['c.addi of zero', 0x0501, 'c.addi'],
    ['c.li to x0', 0x4005, 'c.li'],
    ['c.lui to x0', 0x6005, 'c.lui'],
    ['c.slli by zero', 0x0502, 'c.slli'],
    ['c.slli of x0', 0x0006, 'c.slli'],
    ['c.srli by zero', 0x8101, 'c.srli'],
    ['c.mv to x0', 0x802e, 'c.mv'],
    ['c.add to x0', 0x902e, 'c.add'],
  ])('takes the hint %s', (_, word, expected) => {
    expect(name(word)).toBe(expected);
  });

  it('tells the special fences from plain ones', () => {
    expect(name(0x8330000f)).toBe('fence.tso');
    expect(name(0x0100000f)).toBe('pause');
    expect(name(0x0ff0000f)).toBe('fence');
    expect(decode(0x0310000f)).toMatchObject({ imm: 0x31 });
  });

  it('keeps the CSR number, the constant, the rounding mode and the ordering bits', () => {
    expect(decode(0x0020d573)).toMatchObject({ imm: 2, rs1: 1, rd: 10 }); // csrrwi a0,frm,1
    expect(decode(0x00c59553)).toMatchObject({ rm: 1 });
    expect(decode(0x0cc5a52f)).toMatchObject({ rm: 2 }); // amoswap.w.aq
  });

  it('encodes what it decoded into the same word', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
        const decoded = decode(word);
        if (decoded) expect(encode(decoded)).toBe(decoded.length === 2 ? word & 0xffff : word);
      }),
      { numRuns: 20_000 },
    );
    for (let halfword = 0; halfword < 0x10000; halfword++) {
      const decoded = (halfword & 3) === 3 ? undefined : decode(halfword);
      if (decoded && encode(decoded) !== halfword) expect.fail(halfword.toString(16));
    }
  });

  it('tells the length from the lowest bits', () => {
    expect([0x0000, 0x4505, 0x8082].map(instructionLength)).toEqual([2, 2, 2]);
    expect([0x0533, 0x0073].map(instructionLength)).toEqual([4, 4]);
  });
});
