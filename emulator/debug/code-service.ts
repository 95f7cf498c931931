import type { Hart } from '../multiprocess/hart';
import { Disassembler } from './disassembly';
import { explain } from './explain';
import { locate } from './location';
import type {
  DisassembledLine,
  HartId,
  InstructionHelp,
  Location,
  SegmentInfo,
  SymbolInfo,
} from './protocol';
import { functionsOf } from './scope';
import type { DebugTarget } from './target';

/** Answers what a client asks about code and symbols: those of the program that a hart runs. */
export class CodeService {
  constructor(
    private readonly opened: () => DebugTarget,
    private readonly hart: (id: HartId) => Hart,
  ) {}

  disassemble(
    address: number,
    before: number,
    count: number,
    ownNames = false,
    hart: HartId = 0,
  ): DisassembledLine[] {
    const machine = this.opened();
    const one = this.hart(hart);
    const isFirst = one.owner === machine.liveHarts[0].owner;
    const disassembler = new Disassembler(one.space, functionsOf(machine, one), {
      ownNames,
      isTranslated: (from, to) => isFirst && machine.isTranslated(from, to),
    });
    return disassembler.lines(address, before, count);
  }

  explain(address: number, hart: HartId = 0): InstructionHelp | null {
    return explain(this.hart(hart).space, address);
  }

  symbols(query: string, limit: number, hart: HartId = 0): readonly SymbolInfo[] {
    return this.opened()
      .symbolsOf(this.hart(hart))
      .search(query, limit)
      .map(({ name, address, size, kind }) => ({ name, address, size, kind }));
  }

  locate(addresses: readonly number[], hart: HartId = 0): readonly Location[] {
    const functions = functionsOf(this.opened(), this.hart(hart));
    return addresses.map((address) => locate(functions, address));
  }

  memoryMap(hart: HartId = 0): readonly SegmentInfo[] {
    return this.opened().memoryMap(this.hart(hart));
  }
}
