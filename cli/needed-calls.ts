import type { ElfImage } from '../emulator/elf/parse';
import type { SymbolTable } from '../emulator/elf/symbols';
import type { Decoded } from '../emulator/isa';
import { systemCall } from '../emulator/linux/syscalls/table';
import { codeRanges, MappingSymbols, unitsOf, type CodeRange } from './code';

const A7 = 17;

/** A system call that a program's code contains. */
export interface NeededCall {
  readonly number: number;
  /** Absent when riscv64 Linux has no such call. */
  readonly name?: string;
  /** Functions whose code makes it, or addresses where no symbol tells. */
  readonly places: readonly string[];
}

export interface NeededCalls {
  /** In ascending order of their numbers. */
  readonly calls: readonly NeededCall[];
  /** Where an ecall's number could not be told from the code before it, as in syscall(2). */
  readonly unknown: readonly string[];
}

/**
 * Reads the system calls out of a program's code: an `ecall` makes the call whose number was last put
 * into a7 on the way there, by falling through or by a jump forward. What is in the code need not run.
 */
export function neededCalls(image: ElfImage, symbols: SymbolTable): NeededCalls {
  const found: Found = { places: new Map(), unknown: new Set() };
  const mapping = new MappingSymbols(image);
  for (const range of codeRanges(image)) scan(range, mapping, symbols, found);
  const calls = [...found.places].sort(([a], [b]) => a - b);
  return {
    calls: calls.map(([number, places]) => {
      const name = systemCall(number)?.name;
      return { number, ...(name !== undefined && { name }), places: [...places] };
    }),
    unknown: [...found.unknown],
  };
}

interface Found {
  readonly places: Map<number, Set<string>>;
  readonly unknown: Set<string>;
}

function scan(range: CodeRange, mapping: MappingSymbols, symbols: SymbolTable, found: Found): void {
  /** What is known of a7; nothing where code is reached from elsewhere. */
  let a7: number | undefined;
  /** What jumps seen so far bring to the addresses that they lead to. */
  const arriving = new Map<number, number>();
  for (const { address, decoded } of unitsOf(range, mapping)) {
    if (a7 !== undefined && symbols.functionAt(address)?.offset === 0) a7 = undefined;
    a7 ??= arriving.get(address);
    if (decoded === undefined) {
      a7 = undefined;
      continue;
    }
    const { instruction, imm } = decoded;
    if (instruction.name === 'ecall') {
      const place = symbols.functionAt(address)?.symbol.name ?? `0x${address.toString(16)}`;
      if (a7 === undefined) found.unknown.add(place);
      else found.places.set(a7, (found.places.get(a7) ?? new Set()).add(place));
    } else if (isLocalJump(decoded)) {
      if (a7 !== undefined) arriving.set(address + imm, a7);
      if (instruction.control === 'jump') a7 = undefined;
    } else {
      a7 = a7After(decoded, a7);
    }
  }
}

/** A branch, or a jump that is no call. */
function isLocalJump({ instruction, rd }: Decoded): boolean {
  return instruction.control === 'branch' || (instruction.control === 'jump' && rd === 0);
}

/** What is known of a7 after an instruction that is no local jump. */
function a7After({ instruction, rd, rs1, imm }: Decoded, before?: number): number | undefined {
  const { name, control, syntax } = instruction;
  // A function that is called may change a7.
  if (control === 'jump' || control === 'indirect') return undefined;
  const writes = rd === A7 && /^rd\b/.test(syntax);
  if (!writes) return before;
  return name === 'addi' && rs1 === 0 && imm >= 0 ? imm : undefined;
}
