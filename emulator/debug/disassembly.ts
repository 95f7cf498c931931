import type { FunctionFinder } from '../elf/symbols';
import { decode, disassembleWord, instructionLength } from '../isa';
import type { AddressSpace } from '../memory/address-space';
import { locate, describeLocation } from './location';
import type { DisassembledLine } from './protocol';

/** How far back code is looked at to find where the lines above an address begin. */
const LOOK_BACK = 4 * 1024;

/** Instructions lie at even addresses. In the upper half of memory bits would be a negative number. */
const even = (address: number): number => (address & ~1) >>> 0;

interface DisassemblyOptions {
  /** Every instruction under its own name, not under one of its aliases. */
  readonly ownNames: boolean;
  /** Whether there is translated code for an entry in [from, to). */
  readonly isTranslated: (from: number, to: number) => boolean;
}

/** Disassembles for display: lines that follow each other in memory, with symbols. */
export class Disassembler {
  constructor(
    private readonly space: AddressSpace,
    private readonly symbols: FunctionFinder,
    private readonly options: DisassemblyOptions,
  ) {}

  /**
   * `before` lines above `address`, then `count` lines from it. Lines above begin at a function's start
   * where one is near, since instructions cannot be told apart backwards. Stops where nothing is mapped.
   */
  lines(address: number, before: number, count: number): DisassembledLine[] {
    const from = even(address);
    return [...this.above(from, before), ...this.forward(from, count, Infinity)];
  }

  private above(address: number, count: number): DisassembledLine[] {
    if (count === 0) return [];
    const lowest = Math.max(0, address - Math.min(LOOK_BACK, 4 * count + 64));
    const start = this.anchor(lowest, address);
    return this.forward(start, Infinity, address).slice(-count);
  }

  /** An address not far above `lowest` where an instruction surely begins. */
  private anchor(lowest: number, address: number): number {
    const place = this.symbols.functionAt(lowest) ?? this.symbols.functionAt(address - 2);
    const start = place?.symbol.address;
    if (start !== undefined && start <= address && address - start <= LOOK_BACK * 4) return start;
    // Of the two possible phases, the one that arrives at the address itself is right.
    for (const phase of [0, 2]) {
      if (this.arrives(lowest + phase, address)) return lowest + phase;
    }
    return even(lowest);
  }

  private arrives(start: number, address: number): boolean {
    let at = even(start);
    while (at < address) {
      const bytes = this.space.peek(at, 2);
      if (bytes.length < 2) return false;
      at += instructionLength(bytes[0] | (bytes[1] << 8));
    }
    return at === address;
  }

  private forward(start: number, count: number, end: number): DisassembledLine[] {
    const lines: DisassembledLine[] = [];
    let at = start;
    while (lines.length < count && at < end) {
      const line = this.line(at);
      if (!line) break;
      lines.push(line);
      at += line.bytes.length / 2;
    }
    return lines;
  }

  /** Whether code of the function at `start` is translated. */
  private isTranslated(start: number): boolean {
    const size = this.symbols.functionAt(start)?.symbol.size ?? 0;
    return this.options.isTranslated(start, start + Math.max(size, 1));
  }

  private line(address: number): DisassembledLine | undefined {
    const found = this.space.peek(address, 4);
    if (found.length < 2) return undefined;
    const low = found[0] | (found[1] << 8);
    const length = Math.min(instructionLength(low), found.length);
    const bytes = found.subarray(0, length);
    const word = bytes.reduceRight((value, byte) => value * 256 + byte, 0);
    const decoded = length === instructionLength(low) ? decode(word) : undefined;
    const { mnemonic, operands } = disassembleWord(word, address, {
      aliases: !this.options.ownNames,
      symbolize: (target) => {
        const place = locate(this.symbols, target);
        return place.symbol === undefined ? undefined : describeLocation(place);
      },
    });
    const here = locate(this.symbols, address);
    const control = decoded?.instruction.control;
    const direct = control === 'branch' || control === 'jump';
    return {
      ...here,
      bytes: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
      mnemonic,
      operands,
      ...(here.offset === 0 && { label: here.symbol, translated: this.isTranslated(address) }),
      ...(decoded && direct && { target: locate(this.symbols, address + decoded.imm) }),
      known: decoded !== undefined,
    };
  }
}
