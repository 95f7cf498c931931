import { describe, expect, it } from 'vitest';
import { assemble, decode, disassemble, disassembleWord } from '../../../emulator/isa';

/** Disassembles the machine code of one line of assembly at address 0x1000. */
function print(line: string, aliases = true): string {
  const { bytes } = assemble(line, { base: 0x1000 });
  const view = new DataView(bytes.buffer);
  const word = bytes.length === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
  return disassembleWord(word, 0x1000, { aliases }).text;
}

describe('the disassembler', () => {
  it.each([
    ['addi a0, zero, 5', 'li a0,5'],
    ['addi a0, a1, 0', 'mv a0,a1'],
    ['addi a0, a1, 1', 'add a0,a1,1'],
    ['slli a0, a1, 10', 'sll a0,a1,0xa'],
    ['lui a0, 0xfffff', 'lui a0,0xfffff'],
    ['sltiu a0, a1, 1', 'seqz a0,a1'],
    ['jalr zero, 0(ra)', 'ret'],
    ['jalr zero, 8(a0)', 'jr 8(a0)'],
    ['c.mv a0, a1', 'mv a0,a1'],
    ['c.addi16sp sp, -64', 'add sp,sp,-64'],
    ['fence iorw, iorw', 'fence'],
    ['fence r, rw', 'fence r,rw'],
    ['csrrs a0, cycle, zero', 'rdcycle a0'],
    ['csrrs a0, 0x7ff, zero', 'csrr a0,0x7ff'],
    ['csrrwi zero, frm, 1', 'fsrmi zero,1'],
    ['fsgnjn.s fa0, fa1, fa1', 'fneg.s fa0,fa1'],
    ['fcvt.w.d a0, fa0, rtz', 'fcvt.w.d a0,fa0,rtz'],
    ['amoadd.w.aqrl a0, a1, (a2)', 'amoadd.w.aqrl a0,a1,(a2)'],
  ])('prints %s as %s', (line, text) => {
    expect(print(line)).toBe(text);
  });

  it('prints every instruction under its own name when aliases are off', () => {
    expect(print('mv a0, a1', false)).toBe('addi a0,a1,0');
    expect(print('c.mv a0, a1', false)).toBe('c.mv a0,a1');
    expect(print('ret', false)).toBe('jalr zero,0(ra)');
  });

  it('separates the mnemonic from the operands', () => {
    const decoded = decode(0x00c58533) ?? expect.fail();
    expect(disassemble(decoded, 0)).toEqual({
      mnemonic: 'add',
      operands: 'a0,a1,a2',
      text: 'add a0,a1,a2',
    });
  });

  it('gives the target of a jump as an address, with its symbol when there is one', () => {
    const jump = 0x0080_00ef; // jal ra, .+8
    expect(disassembleWord(jump, 0x1000).text).toBe('jal 0x1008');
    const symbolize = (address: number): string => `main+0x${(address - 0x1000).toString(16)}`;
    expect(disassembleWord(jump, 0x1000, { symbolize }).text).toBe('jal 1008 <main+0x8>');
  });

  it('wraps a target below address 0 to 64 bits', () => {
    expect(disassembleWord(0xffdff06f, 0).text).toBe('j 0xfffffffffffffffc');
  });

  it('prints illegal encodings as data', () => {
    expect(disassembleWord(0x0000, 0).text).toBe('unimp');
    expect(disassembleWord(0x6101, 0).text).toBe('.2byte 0x6101');
    expect(disassembleWord(0x0000007b, 0).text).toBe('.4byte 0x7b');
    expect(disassembleWord(0xffffffff, 0).text).toBe('.2byte 0xffff');
  });
});
