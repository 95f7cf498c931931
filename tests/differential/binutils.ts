import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The tools of Debian's gcc-riscv64-linux-gnu that the comparisons run. */
const GCC = 'riscv64-linux-gnu-gcc';
const AS = 'riscv64-linux-gnu-as';
const OBJCOPY = 'riscv64-linux-gnu-objcopy';
const OBJDUMP = 'riscv64-linux-gnu-objdump';

/** Tools that are not installed. */
export const missingTools: readonly string[] = [GCC, AS, OBJCOPY, OBJDUMP].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);

/** Why a comparison does not run, for its reader. */
export const skipMessage = (what: string): string =>
  `${what}: skipped, because ${missingTools.join(', ')} is not installed ` +
  `(apt-get install gcc-riscv64-linux-gnu)`;

/** The extensions of the table that binutils 2.40 knows; it has no Zicond and no Zcb. */
const ARCHITECTURE = 'rv64gc_zba_zbb_zbc_zbs_zfh_zihintpause';
export const UNKNOWN_TO_BINUTILS: readonly string[] = ['Zicond', 'Zcb'];

/** Runs `work` in a directory that is removed after it. */
export function inScratch<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'hartscope-binutils-'));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Compiles a C program with static glibc; gives the path of the ELF file. */
export function compileStatic(directory: string, source: string): string {
  const file = join(directory, 'program.c');
  const elf = join(directory, 'program.elf');
  writeFileSync(file, source);
  execFileSync(GCC, ['-O2', '-static', file, '-o', elf, '-lm']);
  return elf;
}

function assembleObject(directory: string, text: string): string {
  const file = join(directory, 'text.s');
  const object = join(directory, 'text.o');
  writeFileSync(file, `.option norelax\n${text}\n`);
  execFileSync(AS, [`-march=${ARCHITECTURE}`, file, '-o', object]);
  return object;
}

/** The bytes that GNU as makes of a text. */
export function gnuAssemble(text: string): Uint8Array {
  return inScratch((directory) => {
    const object = assembleObject(directory, text);
    const binary = join(directory, 'text.bin');
    execFileSync(OBJCOPY, ['-O', 'binary', '-j', '.text', object, binary]);
    return new Uint8Array(readFileSync(binary));
  });
}

/** One line of objdump's output: `  10438:	7131                	add	sp,sp,-192`. */
export interface DumpLine {
  readonly address: number;
  readonly word: number;
  /** Mnemonic and operands, a space between them, without objdump's comment. */
  readonly text: string;
}

const LINE = /^\s*([0-9a-f]+):\t([0-9a-f]+)\s+\t(.*?)(?:\s+#.*)?$/;

/** Instructions that binutils 2.40 prints by the name of their register form (`add sp,sp,-16`), later ones by their own. */
const IMMEDIATE_FORMS =
  /^(?:addiw?|andi|ori|xori|s[lr]liw?|sraiw?|roriw?|b(?:set|inv|ext|clr)i|csr(?:rw|rs|rc|w|s|c)i)(?= )/;

/**
 * The same text in the words of binutils 2.40 (Debian 12), which ours follow, whichever version printed it:
 * 2.44 (Debian 13) differs in the names of immediate forms, of data, and of `pause` in programs without Zihintpause.
 */
function inWordsOf240(text: string, aliases: boolean): string {
  const common = text
    .replace(/^\.insn ([248]), 0x0*(?=[0-9a-f])/, '.$1byte 0x')
    .replace(/^fence w,unknown$/, 'pause');
  return aliases ? common.replace(IMMEDIATE_FORMS, registerForm) : common;
}

/** `addi` to `add`, `addiw` to `addw`. */
const registerForm = (name: string): string => name.replace(/i(w?)$/, '$1');

/** What objdump prints of an object file. */
export function dump(file: string, ...options: readonly string[]): DumpLine[] {
  const output = execFileSync(OBJDUMP, ['-d', '-z', ...options, file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const aliases = !options.includes('no-aliases');
  return output.split('\n').flatMap((source) => {
    const [, address, word, text] = LINE.exec(source) ?? [];
    if (text === undefined) return [];
    return {
      address: Number.parseInt(address, 16),
      word: Number.parseInt(word, 16),
      text: inWordsOf240(text.replace('\t', ' ').trim(), aliases),
    };
  });
}

/** What objdump prints of instruction words, one after another from address 0. */
export function dumpWords(words: readonly Word[], ...options: readonly string[]): DumpLine[] {
  const text = words.map(({ word, length }) => `.insn ${length}, ${word}`).join('\n');
  return inScratch((directory) => dump(assembleObject(directory, text), ...options));
}

export interface Word {
  readonly word: number;
  readonly length: 2 | 4;
}
