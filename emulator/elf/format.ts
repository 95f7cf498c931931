/**
 * Constants of the ELF format: System V gABI chapters 4 and 5, and the RISC-V ELF psABI ("ELF Object
 * Files") for what bears RISCV in its name.
 */

export const ELF_MAGIC = 0x464c457f;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EM_RISCV = 243;

export const ET_EXEC = 2;
export const ET_DYN = 3;

/** Names of `e_type` values for messages. */
export const FILE_TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'ET_NONE',
  1: 'ET_REL (an object file that is not linked)',
  2: 'ET_EXEC',
  3: 'ET_DYN',
  4: 'ET_CORE (a core dump)',
};

/** Names of some `e_machine` values for messages. */
export const MACHINE_NAMES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: '80386',
  8: 'MIPS',
  20: 'PowerPC',
  21: '64-bit PowerPC',
  22: 'S/390',
  40: 'ARM',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  247: 'BPF',
  258: 'LoongArch',
};

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_TLS = 7;
export const PT_GNU_STACK = 0x6474e551;

const PT_NAMES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'LOAD',
  2: 'DYNAMIC',
  3: 'INTERP',
  4: 'NOTE',
  5: 'SHLIB',
  6: 'PHDR',
  7: 'TLS',
  0x6474e550: 'GNU_EH_FRAME',
  0x6474e551: 'GNU_STACK',
  0x6474e552: 'GNU_RELRO',
  0x6474e553: 'GNU_PROPERTY',
  0x70000003: 'RISCV_ATTRIBUTES',
};

/** `LOAD`, `GNU_STACK` …, or the number in hexadecimal. */
export function segmentTypeName(type: number): string {
  return PT_NAMES[type] ?? `0x${type.toString(16)}`;
}

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;
export const SHT_RISCV_ATTRIBUTES = 0x70000003;

/** Section indices from here on are reserved (SHN_ABS, SHN_COMMON …). */
export const SHN_LORESERVE = 0xff00;

export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
export const SHF_COMPRESSED = 0x800;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_GNU_IFUNC = 10;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;

/** Sizes of the structures: Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr, Elf64_Sym. */
export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
export const SHDR_SIZE = 64;
export const SYM_SIZE = 24;

/** `e_flags` (psABI): compressed code, the float ABI, the RV32E/RV64E ABI. */
export const EF_RISCV_RVC = 0x1;
export const EF_RISCV_FLOAT_ABI = 0x6;
export const EF_RISCV_RVE = 0x8;
