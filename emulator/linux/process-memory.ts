import type { LoadedProgram } from '../elf/load';
import type { ElfImage } from '../elf/parse';
import { EXECUTE, WRITE, type AddressSpace } from '../memory/address-space';
import { FileMappings } from './file-mappings';
import type { FileNode } from './files/node';
import { MemoryAreas } from './memory-areas';

/** What a program was started with, as /proc shows it. */
export interface StartedProgram {
  readonly path: string;
  readonly node: FileNode | undefined;
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly auxiliary: Uint8Array;
}

/** Where a program was loaded, and its registers at the start. */
export interface ProcessStart {
  readonly pc: number;
  readonly sp: number;
  readonly image: ElfImage;
  readonly program: LoadedProgram;
  /** The dynamic linker, when the program has one. */
  readonly interpreter?: LoadedProgram;
  /** The main stack, [bottom, top). */
  readonly stack: { readonly bottom: number; readonly top: number };
}

const NOTHING_STARTED: StartedProgram = {
  path: '',
  node: undefined,
  args: [],
  environment: [],
  auxiliary: new Uint8Array(0),
};

let memories = 0;

/**
 * What a process has in memory (Linux's mm_struct): its address space, where heap and mappings lie, the program that
 * was loaded. A child of vfork has its parent's until it execs or ends; a child of fork has a copy.
 */
export class ProcessMemory {
  /** Unique number, from 1. */
  readonly id = ++memories;
  readonly areas: MemoryAreas;
  readonly mappings: FileMappings;
  started = NOTHING_STARTED;
  start: ProcessStart | undefined;
  /** Whether there ever were pages that are written and run alike: what runs there can change without a call. */
  writableCode = false;
  private users = 1;

  constructor(readonly space: AddressSpace) {
    this.mappings = new FileMappings(space);
    this.areas = new MemoryAreas(space, () => this.mappings.areas().length);
  }

  /** The same for a fork of the address space. */
  fork(space: AddressSpace): ProcessMemory {
    const copy = new ProcessMemory(space);
    copy.areas.copyFrom(this.areas);
    copy.mappings.copyFrom(this.mappings);
    copy.started = this.started;
    copy.start = this.start;
    copy.writableCode = this.writableCode;
    return copy;
  }

  /** One process more uses it. */
  retain(): this {
    this.users += 1;
    return this;
  }

  /** A process has ended or has a new program. After the last one files have what was stored in mappings. */
  release(): void {
    this.users -= 1;
    if (this.users === 0) this.mappings.end();
  }

  /** Notes the protection of new pages. */
  noteProtection(protection: number): void {
    if ((protection & WRITE) !== 0 && (protection & EXECUTE) !== 0) this.writableCode = true;
  }
}
