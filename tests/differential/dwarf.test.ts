import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallFrameTable } from '../../emulator/elf/dwarf/call-frame-section';
import { rulesAt, type RegisterRule } from '../../emulator/elf/dwarf/call-frames';
import { DW_AT } from '../../emulator/elf/dwarf/constants';
import { DebugInfo } from '../../emulator/elf/dwarf/debug-info';
import { END_SEQUENCE, IS_STATEMENT, runLineProgram } from '../../emulator/elf/dwarf/line-program';
import { parseElf } from '../../emulator/elf/parse';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../../emulator/isa/registers';
import { missingTools, skipMessage } from './binutils';

const OBJDUMP = 'riscv64-linux-gnu-objdump';
const GUESTS = ['dot', 'mp-dot', 'mp-primes', 'signals', 'glibc-hello', 'hello-pie'];
const guest = (name: string): string => join('guests', 'bin', `${name}.elf`);
const imageOf = (name: string) => parseElf(new Uint8Array(readFileSync(guest(name))));

const objdump = (name: string, what: string): string[] =>
  execFileSync(OBJDUMP, [`--dwarf=${what}`, guest(name)], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  }).split('\n');

/** `dot.c 24 0x11000 x`: file, line (`-` at the end of a sequence), address, whether a statement begins. */
function theirRows(name: string): string[] {
  return objdump(name, 'decodedline').flatMap((line) => {
    const [, file, number, address, rest] =
      /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\s+(.*))?$/.exec(line) ?? [];
    if (file === undefined) return [];
    const statement = number !== '-' && /x\s*$/.test(rest ?? '') ? ' x' : '';
    return [`${file} ${number} ${Number(address)}${statement}`];
  });
}

function ourRows(name: string): string[] {
  const { units, sections } = new DebugInfo(imageOf(name));
  const seen = new Set<number>();
  return units.units.flatMap(({ root, header, context }) => {
    const offset = root.number(DW_AT.stmtList);
    if (offset === undefined || seen.has(offset)) return [];
    seen.add(offset);
    const { rows, files } = runLineProgram(sections.bytes('.debug_line'), offset, {
      strings: context.strings,
      addressSize: header.addressSize,
      directory: root.text(DW_AT.compDir) ?? '',
      name: root.text(DW_AT.name) ?? '',
    });
    return Array.from({ length: rows.length }, (_, i) => {
      const isEnd = (rows.flags[i] & END_SEQUENCE) !== 0;
      const statement = !isEnd && (rows.flags[i] & IS_STATEMENT) !== 0 ? ' x' : '';
      const file = basename(files[rows.files[i]]?.path ?? '?');
      return `${file} ${isEnd ? '-' : rows.lines[i]} ${rows.addresses[i]}${statement}`;
    });
  });
}

/** Names of registers by their DWARF numbers. */
const REGISTERS: readonly string[] = [...INTEGER_REGISTERS, ...FLOAT_REGISTERS];

/** A row of objdump's table of call frames: where, the CFA, and where registers are. */
interface FrameRow {
  readonly address: number;
  readonly cfa: string;
  readonly registers: Readonly<Record<string, string>>;
}

function theirFrames(name: string): FrameRow[] {
  const rows: FrameRow[] = [];
  let columns: string[] = [];
  let isDescription = false;
  for (const line of objdump(name, 'frames-interp')) {
    const words = line.trim().split(/\s+/);
    if (/ (FDE|CIE) /.test(line)) isDescription = line.includes(' FDE ');
    else if (words[0] === 'LOC') columns = words.slice(2);
    else if (isDescription && /^[0-9a-f]{16}$/.test(words[0])) {
      const registers = columns.map((column, i) => [column, words[2 + i]] as const);
      rows.push({
        address: Number.parseInt(words[0], 16),
        cfa: words[1],
        registers: Object.fromEntries(registers),
      });
    }
  }
  return rows;
}

/** In objdump's words: `c-8` in memory, `u` for what the ABI or nobody says. */
function ruleText(rule: RegisterRule | undefined): string {
  if (rule === undefined || rule.kind === 'undefined') return 'u';
  if (rule.kind === 'same') return 's';
  if (rule.kind === 'offset') return `c${rule.offset < 0 ? '' : '+'}${rule.offset}`;
  return rule.kind;
}

if (missingTools.length > 0) console.warn(skipMessage('DWARF against objdump'));

describe.skipIf(missingTools.length > 0)('DWARF is as objdump reads it', () => {
  it.each(GUESTS)('in the line table of %s', (name) => {
    const theirs = theirRows(name);
    expect(theirs.length).toBeGreaterThan(50);
    expect(ourRows(name)).toEqual(theirs);
  });

  it.each(GUESTS)('in the call frames of %s', (name) => {
    const table = new CallFrameTable(new DebugInfo(imageOf(name)).sections);
    const theirs = theirFrames(name);
    expect(theirs.length).toBeGreaterThan(5);
    const ours = theirs.map(({ address, registers }): FrameRow => {
      const description = table.find(address);
      if (description === undefined) throw new Error(`no call frame at 0x${address.toString(16)}`);
      const rules = rulesAt(description, address);
      const cfa =
        rules.cfa.kind === 'register'
          ? `${REGISTERS[rules.cfa.register]}+${rules.cfa.offset}`
          : 'exp';
      const places = Object.keys(registers).map((column) => {
        const number = REGISTERS.indexOf(column);
        return [column, ruleText(rules.registers.get(number))] as const;
      });
      return { address, cfa, registers: Object.fromEntries(places) };
    });
    expect(ours).toEqual(theirs);
  });
});
