import { assemble } from '../isa/assembler';
import { EXECUTE, READ, WRITE, type AddressSpace } from '../memory/address-space';
import { OutOfMemory } from '../memory/errors';
import { PAGE_SIZE } from '../memory/layout';
import { VDSO } from './process-start';
import { systemCallNumber } from './syscalls/table';

/**
 * The vDSO: a small shared library that the kernel maps into each process and that C libraries find by AT_SYSINFO_EHDR.
 * Its functions tell the time from the `time` CSR, without a system call; what it does not know it asks the kernel.
 * The names and the version are Linux's (arch/riscv/kernel/vdso/vdso.lds.S, vdso(7)).
 */
const VERSION = 'LINUX_4.15';
const SONAME = 'linux-vdso.so.1';
const FUNCTIONS = [
  '__vdso_clock_gettime',
  '__vdso_gettimeofday',
  '__vdso_clock_getres',
  '__vdso_getcpu',
  '__vdso_flush_icache',
] as const;

/** Nanoseconds of a tick of the `time` CSR. */
export const TICK = 100n;

/** A bit for each clock that `time` tells: REALTIME, MONOTONIC, MONOTONIC_RAW, both coarse ones, BOOTTIME. */
const CLOCKS = 0b1111_0011;
const REALTIME_COARSE = 5;

const call = (name: string): string => `
    li a7, ${systemCallNumber(name)}
    ecall
    ret`;

/** Nanoseconds of the `time` CSR in t0, of the clock whose offset from it is at `realtime` after `realtime:`. */
const CODE = `
  __vdso_clock_gettime:
    li t0, 8
    bgeu a0, t0, ask_time
    li t0, ${CLOCKS}
    srl t0, t0, a0
    andi t0, t0, 1
    beqz t0, ask_time
    csrrs t0, time, x0
    li t1, ${TICK}
    mul t0, t0, t1
    beqz a0, is_realtime
    li t1, ${REALTIME_COARSE}
    bne a0, t1, has_time
  is_realtime:
    la t1, realtime
    ld t1, 0(t1)
    add t0, t0, t1
  has_time:
    li t1, 1000000000
    divu t2, t0, t1
    mul t3, t2, t1
    sub t0, t0, t3
    sd t2, 0(a1)
    sd t0, 8(a1)
    li a0, 0
    ret
  ask_time:
    ${call('clock_gettime')}

  __vdso_gettimeofday:
    beqz a0, no_time
    csrrs t0, time, x0
    li t1, ${TICK}
    mul t0, t0, t1
    la t1, realtime
    ld t1, 0(t1)
    add t0, t0, t1
    li t1, 1000000000
    divu t2, t0, t1
    mul t3, t2, t1
    sub t0, t0, t3
    li t1, 1000
    divu t0, t0, t1
    sd t2, 0(a0)
    sd t0, 8(a0)
  no_time:
    beqz a1, no_zone
    sd x0, 0(a1)
  no_zone:
    li a0, 0
    ret

  __vdso_clock_getres:
    ${call('clock_getres')}

  __vdso_getcpu:
    beqz a0, no_cpu
    sw x0, 0(a0)
  no_cpu:
    beqz a1, no_node
    sw x0, 0(a1)
  no_node:
    li a0, 0
    ret

  __vdso_flush_icache:
    ${call('riscv_flush_icache')}
  end_of_code:
`;

/** The hash of DT_HASH and of versions (System V ABI, chapter 5). */
function elfHash(name: string): number {
  let hash = 0;
  for (const char of name) {
    hash = ((hash << 4) + char.charCodeAt(0)) >>> 0;
    const high = hash & 0xf000_0000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}

/** A version definition and its name (Elf64_Verdef, Elf64_Verdaux). */
const versionDefinition = (index: number, flags: number, name: string, next: number): string => `
    .half 1, ${flags}, ${index}, 1
    .word ${elfHash(name)}, 20, ${next}
    .word name_of_version${index} - strings, 0`;

/** ELF header, program headers, symbols and the dynamic section, at the addresses that they have in the file. */
const TABLES = `
    .byte 0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0
    .zero 8
    .half 3, 243                       # ET_DYN, EM_RISCV
    .word 1
    .dword 0, 64, 0
    .word 5                            # compressed instructions, double-float ABI
    .half 64, 56, 2, 0, 0, 0

    .word 1, 5                         # PT_LOAD, readable and executable
    .dword 0, 0, 0, end, end, ${PAGE_SIZE}
    .word 2, 4                         # PT_DYNAMIC
    .dword dynamic, dynamic, dynamic, end_of_dynamic - dynamic, end_of_dynamic - dynamic, 8

  dynamic:
    .dword 14, name_of_version1 - strings
    .dword 4, hash
    .dword 5, strings
    .dword 6, symbols
    .dword 10, end_of_strings - strings
    .dword 11, 24
    .dword 0x6ffffff0, versions
    .dword 0x6ffffffc, definitions
    .dword 0x6ffffffd, 2
    .dword 0, 0
  end_of_dynamic:

  symbols:
    .zero 24
    ${FUNCTIONS.map(
      (name, i) => `
    .word name${i} - strings
    .byte 0x12, 0                      # global function
    .half 1
    .dword ${name}, ${FUNCTIONS[i + 1] ?? 'end_of_code'} - ${name}`,
    ).join('')}
  realtime:                            # nanoseconds from the time CSR to the real time
    .dword 0
  hash:                                # one bucket with all symbols
    .word 1, ${FUNCTIONS.length + 1}, 1, 0
    ${FUNCTIONS.map((_, i) => `.word ${(i + 2) % (FUNCTIONS.length + 1)}`).join('\n')}
  definitions:
    ${versionDefinition(1, 1, SONAME, 28)}
    ${versionDefinition(2, 0, VERSION, 0)}
  versions:
    .half 0${', 2'.repeat(FUNCTIONS.length)}
  strings:
    .byte 0
    ${FUNCTIONS.map((name, i) => `name${i}: .asciz "${name}"`).join('\n')}
  name_of_version1: .asciz "${SONAME}"
  name_of_version2: .asciz "${VERSION}"
  end_of_strings:
    .align 2
`;

interface Library {
  readonly bytes: Uint8Array;
  /** Offset of the difference of the real time and the `time` CSR. */
  readonly realtime: number;
}

let built: Library | undefined;

function library(): Library {
  if (!built) {
    const { bytes, symbols } = assemble(`${TABLES}${CODE}end:`);
    if (bytes.length > PAGE_SIZE) throw new Error(`the vDSO has ${bytes.length} bytes: too many`);
    built = { bytes, realtime: symbols.get('realtime')! };
  }
  return built;
}

/**
 * Maps the vDSO.
 * @param realtime nanoseconds from the clock of the `time` CSR to the real time
 */
export function mapVdso(space: AddressSpace, realtime: bigint): void {
  const { bytes, realtime: at } = library();
  const own = Uint8Array.from(bytes);
  new DataView(own.buffer).setBigInt64(at, realtime, true);
  space.map(VDSO, PAGE_SIZE, READ | WRITE);
  if (space.write(VDSO, own) < own.length) {
    throw new OutOfMemory('the memory limit leaves no room for the vDSO');
  }
  space.protect(VDSO, PAGE_SIZE, READ | EXECUTE);
}
