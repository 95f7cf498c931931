/** Who the guest is and what it runs on, as it can ask. */

/** Bit of a single-letter extension in AT_HWCAP. */
function letter(name: string): number {
  return 1 << (name.charCodeAt(0) - 65);
}

/** AT_HWCAP: RV64IMAFDC. */
export const GUEST_HWCAP =
  letter('I') | letter('M') | letter('A') | letter('F') | letter('D') | letter('C');

/** `struct new_utsname`: sysname, nodename, release, version, machine, domainname. */
export const UTSNAME = [
  'Linux',
  'hartscope',
  '6.6.0',
  '#1 SMP Hartscope',
  'riscv64',
  '(none)',
] as const;

/** User and group of the guest: nobody of the host. */
export const DEFAULT_USER = 1000;
export const DEFAULT_GROUP = 1000;
/** Id of the first process; its descendants and threads have the next ones. */
export const PROCESS_ID = 1000;
/** What lies outside of the machine: the first process's parent, and init for its orphans. */
export const PARENT_PROCESS_ID = 1;

/** Processors that the guest is told of, whatever the host has. */
export const PROCESSORS = 1;

/** Keys of riscv_hwprobe (arch/riscv/include/uapi/asm/hwprobe.h). */
const HWPROBE = {
  MVENDORID: 0n,
  MARCHID: 1n,
  MIMPID: 2n,
  BASE_BEHAVIOR: 3n,
  IMA_EXT_0: 4n,
  CPUPERF_0: 5n,
  HIGHEST_VIRT_ADDRESS: 7n,
  MISALIGNED_SCALAR_PERF: 9n,
} as const;

const BASE_BEHAVIOR_IMA = 1n;
/** Misaligned accesses are slower than others: translated code leaves them to the interpreter. */
const MISALIGNED_SLOW = 2n;

/** Bits of IMA_EXT_0 for what the instruction table has beyond IMA. */
export const EXTENSION_BITS = {
  FD: 0,
  C: 1,
  Zba: 3,
  Zbb: 4,
  Zbs: 5,
  Zbc: 7,
  Zfh: 27,
  // Part of Zfh.
  Zfhmin: 28,
  Zicond: 35,
  Zca: 43,
  Zcb: 44,
  Zcd: 45,
} as const;

/** The value of a riscv_hwprobe key; undefined when this machine does not know it. */
export function hwprobeValue(key: bigint, addressLimit: number): bigint | undefined {
  switch (key) {
    case HWPROBE.MVENDORID:
    case HWPROBE.MARCHID:
    case HWPROBE.MIMPID:
      return 0n;
    case HWPROBE.BASE_BEHAVIOR:
      return BASE_BEHAVIOR_IMA;
    case HWPROBE.IMA_EXT_0:
      return Object.values(EXTENSION_BITS).reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
    case HWPROBE.CPUPERF_0:
    case HWPROBE.MISALIGNED_SCALAR_PERF:
      return MISALIGNED_SLOW;
    case HWPROBE.HIGHEST_VIRT_ADDRESS:
      return BigInt(addressLimit - 1);
    default:
      return undefined;
  }
}
