import type { Hart } from '../multiprocess/hart';
import type { HartId, HartValue, RegisterSet, RegisterTable } from './protocol';
import { registerSet, registerTable, writeRegister } from './registers';
import type { DebugTarget } from './target';
import { addressValue, assign, registerBits } from './places';
import { evaluateOnHarts } from './watch-expression';

/** What changing a value needs of whoever runs the machine. */
interface Standing {
  /** @throws Error while the machine runs */
  mustStand(): void;
  /** Tells the client that the state is another one. */
  report(): void;
}

/** Answers what a client asks about registers and expressions, and changes them and memory. */
export class ValueService {
  constructor(
    private readonly opened: () => DebugTarget,
    private readonly hart: (id: HartId) => Hart,
    private readonly standing: Standing,
  ) {}

  registers(hart: HartId): RegisterSet {
    return registerSet(this.hart(hart).state, hart);
  }

  registersOfAll(): RegisterTable {
    return registerTable(this.opened().liveHarts);
  }

  writeRegister(hart: HartId, name: string, value: string): void {
    this.standing.mustStand();
    const target = this.hart(hart);
    writeRegister(target.state, name, registerBits(this.opened(), target, value));
    this.standing.report();
  }

  /** @throws Error when not all of the bytes lie in mapped pages; those before are written */
  writeMemory(address: number, bytes: Uint8Array, hart: HartId = 0): void {
    this.standing.mustStand();
    const written = this.hart(hart).space.poke(address, bytes);
    this.standing.report();
    if (written < bytes.length) {
      const at = `0x${(address + written).toString(16)}`;
      throw new Error(`Nothing is mapped at ${at}: ${written} of ${bytes.length} bytes written.`);
    }
  }

  assign(place: string, value: string, hart: HartId): void {
    this.standing.mustStand();
    assign(this.opened(), this.hart(hart), place, value);
    this.standing.report();
  }

  /** @throws Error when the value is no guest address */
  evaluateAddress(text: string, hart: HartId): number {
    return addressValue(this.opened(), this.hart(hart), text);
  }

  evaluateOnAll(text: string): readonly HartValue[] {
    return evaluateOnHarts(text, this.opened());
  }
}
