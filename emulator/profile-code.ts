import { SourceLookup } from './debug/source-lookup';
import { SourceModules } from './debug/source-modules';
import { PF_X, PT_LOAD } from './elf/format';
import { decode, instructionLength } from './isa';
import type { Machine } from './machine';
import type { InstructionKind, ProfileCode, ProfiledFunction } from './profile/model';

/** What a machine's profile needs to know of its code, from its symbols, its source lines and its memory. */
export class MachineCode implements ProfileCode {
  private readonly lookup: SourceLookup;
  private readonly modules: SourceModules;

  constructor(private readonly machine: Machine) {
    this.modules = new SourceModules(() => machine.images);
    this.lookup = new SourceLookup(this.modules);
  }

  functionAt(address: number): ProfiledFunction | undefined {
    const symbols = this.modules.at(address)?.symbols ?? this.machine.symbols;
    return symbols.functionAt(address)?.symbol;
  }

  lineAt(address: number): { readonly file: string; readonly line: number } | undefined {
    const place = this.lookup.lineAt(address);
    return place && { file: place.path, line: place.line };
  }

  /** Addresses of the program's instructions, run or not, from its executable segments. */
  *executable(): Generator<number> {
    for (const { image, base } of this.machine.images) {
      for (const { type, flags, address, fileSize } of image.segments) {
        if (type !== PT_LOAD || (flags & PF_X) === 0) continue;
        const end = address + fileSize + base;
        for (let at = address + base; at < end;) {
          yield at;
          at += instructionLength(this.machine.space.peek(at, 2)[0] ?? 0);
        }
      }
    }
  }

  kindAt(address: number): InstructionKind {
    const bytes = this.machine.space.peek(address, 4);
    const bits = bytes.reduceRight((word, byte) => word * 256 + byte, 0);
    const instruction = decode(bits)?.instruction;
    if (!instruction) return 'other';
    const { control, extension, syntax } = instruction;
    if (instruction.name === 'ecall') return 'call';
    if (control !== undefined) return control === 'branch' ? 'branch' : 'other';
    if (extension === 'A') return 'atomic';
    if (/^f?rs2, imm\(/.test(syntax)) return 'store';
    return /^f?rd, imm\(/.test(syntax) ? 'load' : 'other';
  }
}
