import { type Extension, type Instruction, INSTRUCTIONS } from '../../../emulator/isa';

const TITLES: Record<Extension, string> = {
  I: 'RV64I: base integer instructions',
  M: 'M: multiplication and division',
  A: 'A: atomic instructions',
  F: 'F: single-precision floating point',
  D: 'D: double-precision floating point',
  C: 'C: compressed instructions',
  Zicsr: 'Zicsr: control and status registers',
  Zifencei: 'Zifencei: instruction-fetch fence',
  Zba: 'Zba: address generation',
  Zbb: 'Zbb: basic bit manipulation',
  Zbc: 'Zbc: carry-less multiplication',
  Zbs: 'Zbs: single-bit instructions',
  Zicond: 'Zicond: integer conditional operations',
  Zcb: 'Zcb: further compressed instructions',
  Zfh: 'Zfh: half-precision floating point',
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

function tableRow({ name, syntax, pattern, sentence, example, expands }: Instruction): string {
  const stands = expands ? ` Stands for \`${expands.to}\`.` : '';
  const written = `\`${[name, syntax].filter(Boolean).join(' ')}\``;
  const cells = [written, `\`${pattern}\``, `${sentence}${stands}`, `\`${example}\``];
  return `| ${cells.map(cell).join(' | ')} |`;
}

/** The page of supported instructions in Markdown, from the instruction table. */
export function instructionsPage(): string {
  const extensions = [...new Set(INSTRUCTIONS.map(({ extension }) => extension))];
  const rowsOf = (wanted: Extension): Instruction[] =>
    INSTRUCTIONS.filter(({ extension }) => extension === wanted);
  return [
    '# Instructions',
    '',
    '<!-- Written from the instruction table (emulator/isa/table.ts) by tests/unit/isa/instructions-page.test.ts. -->',
    '',
    `The emulator runs RV64GC with Zba, Zbb, Zbc, Zbs, Zicond, Zcb and Zfh: ${INSTRUCTIONS.length} instructions,`,
    `${rowsOf('C').length + rowsOf('Zcb').length} of them compressed. Encodings read from the most significant bit to the least: digits are`,
    'fixed bits, names are fields, and brackets say which bits of an immediate lie there. `≠` and `nz` mark values',
    'that are another instruction or reserved. `u` marks immediates that are extended with zeros.',
    '',
    'How instructions are printed and assembled: [assembly.md](assembly.md).',
    '',
    ...extensions.flatMap((extension) => [
      `## ${TITLES[extension]}`,
      '',
      '| Assembly | Encoding | What it does | Example |',
      '| --- | --- | --- | --- |',
      ...rowsOf(extension).map(tableRow),
      '',
    ]),
  ].join('\n');
}
