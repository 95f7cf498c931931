import { hexAddress, type Fault } from '../memory/faults';
import { SIGNAL, signalName } from './abi/signals';
import { SI } from './signal-info';

/** What stopped a hart that was not a system call. */
export type GuestFault =
  | (Fault & { readonly pc: number })
  /** An atomic access that is not aligned to its size. */
  | { readonly kind: 'misaligned'; readonly pc: number; readonly address: number }
  | { readonly kind: 'illegal'; readonly pc: number; readonly bits: number; readonly size: number }
  | { readonly kind: 'breakpoint'; readonly pc: number };

/** The signal that Linux sends for a fault, and one sentence that says what happened. */
export interface FaultReport {
  readonly signal: number;
  /** `si_code`; absent when no handler can have a say. */
  readonly code?: number;
  readonly message: string;
  /** The address that could not be accessed, when there is one. */
  readonly address?: number;
}

const ACCESS_NAMES = { read: 'a read', write: 'a write', execute: 'a jump' } as const;
const PREPOSITIONS = { read: 'of', write: 'to', execute: 'to' } as const;

/** Linux's signal for a fault (arch/riscv/kernel/traps.c, arch/riscv/mm/fault.c). */
export function describeFault(fault: GuestFault): FaultReport {
  switch (fault.kind) {
    case 'illegal': {
      const digits = fault.bits.toString(16).padStart(fault.size * 2, '0');
      return report(
        SIGNAL.SIGILL,
        SI.ILL_ILLOPC,
        fault.pc,
        `0x${digits} is no instruction of this machine`,
      );
    }
    case 'breakpoint':
      return report(SIGNAL.SIGTRAP, SI.TRAP_BRKPT, fault.pc, 'the program met an ebreak');
    case 'misaligned':
      return report(
        SIGNAL.SIGBUS,
        SI.BUS_ADRALN,
        fault.pc,
        `an atomic access to ${hexAddress(fault.address)} is not aligned`,
        fault.address,
      );
    case 'out-of-memory':
      // Linux's out-of-memory killer leaves the process no choice.
      return report(
        SIGNAL.SIGKILL,
        undefined,
        fault.pc,
        `the machine's memory limit is reached at ${hexAddress(fault.address)}: choose a larger one`,
        fault.address,
      );
    case 'unmapped':
    case 'protection':
    case 'guard':
    case 'out-of-range': {
      const access = `${ACCESS_NAMES[fault.access]} ${PREPOSITIONS[fault.access]}`;
      const text = `${access} ${hexAddress(fault.address)}: ${reason(fault)}`;
      const code = fault.kind === 'protection' ? SI.SEGV_ACCERR : SI.SEGV_MAPERR;
      return report(SIGNAL.SIGSEGV, code, fault.pc, text, fault.address);
    }
  }
}

function reason(fault: Fault): string {
  switch (fault.kind) {
    case 'unmapped':
      return fault.address < 4096
        ? 'a null pointer, nothing is mapped there'
        : 'nothing is mapped there';
    case 'guard':
      return 'the guard page of a stack, the stack has overflowed';
    case 'out-of-range':
      return 'guest addresses end at 0x100000000';
    default:
      return `the page does not allow ${fault.access === 'execute' ? 'execution' : `a ${fault.access}`}`;
  }
}

function report(
  signal: number,
  code: number | undefined,
  pc: number,
  text: string,
  address?: number,
): FaultReport {
  return {
    signal,
    message: `${signalName(signal)} at pc ${hexAddress(pc)}: ${text}`,
    ...(code !== undefined && { code }),
    ...(address !== undefined && { address }),
  };
}
