import { describe, expect, it } from 'vitest';
import { assemble, INSTRUCTIONS, disassembleWord } from '../../../emulator/isa';

/** The machine code of a text as hexadecimal words. */
function words(text: string, base = 0): string[] {
  const { bytes } = assemble(text, { base });
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) =>
    view
      .getUint32(4 * i, true)
      .toString(16)
      .padStart(8, '0'),
  );
}

/** The machine code of a text, disassembled again. */
function listing(text: string, base = 0): string[] {
  const { bytes } = assemble(text, { base });
  const view = new DataView(bytes.buffer);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const low = view.getUint16(at, true);
    const length = (low & 3) === 3 ? 4 : 2;
    const word = length === 4 ? view.getUint32(at, true) : low;
    lines.push(disassembleWord(word, base + at, { aliases: false }).text);
    at += length;
  }
  return lines;
}

describe('the assembler', () => {
  it('assembles an instruction', () => {
    expect(words('add a0, a1, a2')).toEqual(['00c58533']);
    expect(words('  LW a0, -4(sp)   # a comment')).toEqual(['ffc12503']);
  });

  it('takes registers by either name', () => {
    expect(words('add x10, x11, x12')).toEqual(words('add a0, a1, a2'));
    expect(words('fadd.d f10, f11, f12')).toEqual(words('fadd.d fa0, fa1, fa2'));
    expect(words('mv fp, sp')).toEqual(words('mv s0, sp'));
  });

  it.each(INSTRUCTIONS.map((row) => [row.example, row.name]))(
    'takes the example %s',
    (example, name) => {
      const text = listing(example);
      expect(text).toHaveLength(1);
      expect(text[0].split(' ')[0]).toBe(name);
    },
  );

  it('branches to labels in both directions', () => {
    const text = 'back: nop\n beq a0, a1, ahead\n j back\nahead: bnez a0, back';
    expect(listing(text, 0x1000)).toEqual([
      'addi zero,zero,0',
      'beq a0,a1,0x100c',
      'jal zero,0x1000',
      'bne a0,zero,0x1000',
    ]);
  });

  it('finds numbered labels before and after', () => {
    expect(listing('1: nop\n1: j 1b\n j 1f\n1: ret', 0x100)).toEqual([
      'addi zero,zero,0',
      'jal zero,0x104',
      'jal zero,0x10c',
      'jalr zero,0(ra)',
    ]);
  });

  it('gives the addresses of labels and lines', () => {
    const { symbols, lines } = assemble('start:\n nop\n\n call start\nend: ret', { base: 0x400 });
    expect([...symbols]).toEqual([
      ['start', 0x400],
      ['end', 0x40c],
    ]);
    expect(lines).toEqual([
      { line: 2, address: 0x400 },
      { line: 4, address: 0x404 },
      { line: 5, address: 0x40c },
    ]);
  });

  it('takes rounding modes and orderings', () => {
    expect(listing('fadd.s fa0, fa1, fa2, rtz\nfadd.s fa0, fa1, fa2')).toEqual([
      'fadd.s fa0,fa1,fa2,rtz',
      'fadd.s fa0,fa1,fa2',
    ]);
    expect(listing('lr.w.aq a0, (a1)\nsc.d.rl a0, a2, (a1)\namoadd.w.aqrl a0, a2, 0(a1)')).toEqual([
      'lr.w.aq a0,(a1)',
      'sc.d.rl a0,a2,(a1)',
      'amoadd.w.aqrl a0,a2,(a1)',
    ]);
  });

  it('reaches symbols with la, call and tail on both sides of a 4 KiB boundary', () => {
    const text = 'la a0, data\ncall far\ntail far\ndata: .zero 4000\nfar: ret';
    expect(listing(text, 0x10000).slice(0, 6)).toEqual([
      'auipc a0,0x0',
      'addi a0,a0,24',
      'auipc ra,0x1',
      'jalr ra,-80(ra)',
      'auipc t1,0x1',
      'jalr zero,-88(t1)',
    ]);
  });

  it('splits an address into %hi and %lo', () => {
    expect(listing('lui a0, %hi(0x12345fff)\naddi a0, a0, %lo(0x12345fff)')).toEqual([
      'lui a0,0x12346',
      'addi a0,a0,-1',
    ]);
  });

  it('lays out data', () => {
    const text =
      '.byte 1, -1, 0x7f\n.align 2\n.half 0xbeef\n.byte \'A\'\n.asciz "a\\n"\n.dword end\nend:';
    expect([...assemble(text, { base: 0x1000 }).bytes]).toEqual([
      ...[1, 0xff, 0x7f, 0],
      ...[0xef, 0xbe, 0x41, 0x61, 0x0a, 0],
      ...[0x12, 0x10, 0, 0, 0, 0, 0, 0],
    ]);
    expect(words('c.nop\n.align 4\n.word 1')[0]).toBe('00010001');
  });

  it('keeps separators and comment signs inside strings', () => {
    const { bytes } = assemble('.ascii "a;b#c//d,e" ; nop');
    expect(new TextDecoder().decode(bytes.subarray(0, 10))).toBe('a;b#c//d,e');
    expect(bytes).toHaveLength(14);
  });

  it.each([
    ['nop\nfrob a0', 'line 2: unknown instruction or directive "frob"'],
    ['add a0, a1', 'line 1: add takes "rd, rs1, rs2" or "rd, rs1, imm", found "a0, a1"'],
    ['lw a0, a1', 'line 1: expected number(rs1) as operand 2 of lw, found "a1"'],
    ['fadd.s fa0, fa1, a2', 'line 1: expected a floating-point register as operand 3'],
    ['addi a0, a1, 2048', 'line 1: 2048 does not fit into imm of addi: it holds -2048 to 2047'],
    ['slliw a0, a1, 32', 'line 1: 32 does not fit into shamt of slliw: it holds 0 to 31'],
    ['c.lw a0, 2(a1)', 'it holds multiples of 4 from 0 to 124'],
    ['c.lw t0, 0(a1)', "5 does not fit into rd' of c.lw: it holds 8 to 15"],
    ['c.addi16sp sp, 0', 'from -512 to 496, not 0'],
    ['j .+1', 'line 1: 1 does not fit into imm of j: it holds'],
    ['j nowhere', 'line 1: symbol "nowhere" is not defined'],
    ['a: nop\na: nop', 'line 2: label "a" is defined twice'],
    ['li a0, there\nthere:', 'line 1: symbol "there" is not defined'],
    ['.byte 256', 'line 1: 256 does not fit into 8 bits'],
    ['.zero -1', 'line 1: .zero takes a number from 0 to'],
    ['.ascii a', 'line 1: expected a string in double quotes, found "a"'],
    ['call', 'line 1: call takes "symbol", found ""'],
    ['lui a0, %hi(0x80000000)', 'line 1: 2147483648 does not fit into 32 bits'],
  ])('refuses %j', (text, message) => {
    expect(() => assemble(text)).toThrow(message);
  });
});
