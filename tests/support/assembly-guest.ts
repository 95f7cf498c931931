import { assemble, type Assembly } from '../../emulator/isa/assembler';
import { FLOAT_REGISTERS, INTEGER_REGISTERS } from '../../emulator/isa/registers';
import { GuestHart, READ_EXECUTE, READ_WRITE } from './guest-hart';

/** Where `guest` puts code and data. */
export const CODE = 0x10000;
export const DATA = 0x20000;
const DATA_PAGES = 2;

export interface GuestOptions {
  /** Address of the code [CODE]. */
  readonly base?: number;
  /** Protection of the code [READ | EXECUTE]. */
  readonly protection?: number;
  readonly recordBytes?: number;
  /** Registers by their ABI names, or `fcsr`. */
  readonly registers?: Readonly<Record<string, bigint | number>>;
}

/** A hart with a program from assembly text, and two pages of data that can be read and written. */
export class AssemblyGuest extends GuestHart {
  private readonly assembly: Assembly;

  constructor(text: string, options: GuestOptions = {}) {
    super({ recordBytes: options.recordBytes });
    const { base = CODE, protection = READ_EXECUTE } = options;
    this.assembly = assemble(text, { base });
    this.load(base, this.assembly.bytes, protection);
    this.space.map(DATA, DATA_PAGES * 4096, READ_WRITE);
    this.state.pc = base;
    for (const [name, value] of Object.entries(options.registers ?? {})) this.set(name, value);
  }

  /** Address of a label. */
  label(name: string): number {
    const address = this.assembly.symbols.get(name);
    if (address === undefined) throw new Error(`the program has no label "${name}"`);
    return address;
  }

  /** Sets a register; a number counts as a signed one. */
  set(name: string, value: bigint | number): void {
    const bits = BigInt.asUintN(64, BigInt(value));
    if (name === 'fcsr') this.state.fcsr = Number(bits);
    else if (FLOAT_REGISTERS.includes(name)) this.state.setF(FLOAT_REGISTERS.indexOf(name), bits);
    else this.state.setX(integer(name), bits);
  }

  /** An integer register, unsigned. */
  x(name: string): bigint {
    return this.state.x(integer(name));
  }

  /** The bits of a floating-point register. */
  f(name: string): bigint {
    return this.state.f(FLOAT_REGISTERS.indexOf(name));
  }

  /** A register of either kind, or `fcsr`. */
  get(name: string): bigint {
    if (name === 'fcsr') return BigInt(this.state.fcsr);
    return FLOAT_REGISTERS.includes(name) ? this.f(name) : this.x(name);
  }

  /** Runs until the program's ebreak. */
  toBreak(budget = 100_000): void {
    const stop = this.run(budget);
    if (stop.kind !== 'ebreak') {
      throw new Error(`stopped at 0x${this.state.pc.toString(16)}: ${JSON.stringify(stop)}`);
    }
  }
}

function integer(name: string): number {
  const number = INTEGER_REGISTERS.indexOf(name);
  if (number < 0) throw new Error(`there is no register "${name}"`);
  return number;
}

const open: AssemblyGuest[] = [];

/** A guest that `closeGuests` gives back. */
export function guest(text: string, options?: GuestOptions): AssemblyGuest {
  const made = new AssemblyGuest(text, options);
  open.push(made);
  return made;
}

/** For `afterEach`: gives the arenas of all guests back to their pool. */
export function closeGuests(): void {
  for (const made of open.splice(0)) made.close();
}
