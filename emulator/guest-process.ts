import { SymbolTable } from './elf/symbols';
import type { LinuxKernel } from './linux/kernel';
import type { AddressSpace } from './memory/address-space';
import type { Hart, HartOwner } from './multiprocess/hart';

/** A Linux process as the machine knows it: its kernel, its space, and the hart of its first thread. */
export class GuestProcess implements HartOwner {
  retired = 0;
  /** Where its own threads run; another one after execve. */
  space: AddressSpace;
  private hart: Hart | undefined;
  private table: { readonly of: unknown; readonly symbols: SymbolTable } | undefined;

  constructor(readonly kernel: LinuxKernel) {
    this.space = kernel.space;
    kernel.retired = () => this.retired;
  }

  get pid(): number {
    return this.kernel.pid;
  }

  /** The hart of the first thread, which is there as long as the process. */
  get main(): Hart {
    if (!this.hart) throw new Error(`process ${this.pid} has no hart yet`);
    return this.hart;
  }

  set main(hart: Hart) {
    this.hart = hart;
  }

  /** The symbols of the program that it runs; undefined before there is one. */
  get symbols(): SymbolTable | undefined {
    const { start } = this.kernel.processMemory;
    if (!start) return undefined;
    if (this.table?.of !== start) {
      this.table = { of: start, symbols: new SymbolTable(start.image, start.program.base) };
    }
    return this.table.symbols;
  }
}
