import type { Hart } from '../multiprocess/hart';
import { parseExpression } from './expression';
import type { EvaluatedValue, HartId, HartValue, RegisterSet, RegisterTable } from './protocol';
import { registerSet, registerTable, writeRegister } from './registers';
import { targetScope } from './scope';
import type { DebugTarget } from './target';
import { assign, evaluate } from './values';
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
    const number = parseExpression(value)(targetScope(this.opened(), this.hart(hart)));
    writeRegister(this.hart(hart).state, name, number);
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

  evaluate(text: string, hart: HartId): EvaluatedValue {
    return evaluate(this.opened(), this.hart(hart), text);
  }

  assign(place: string, value: string, hart: HartId): void {
    this.standing.mustStand();
    assign(this.opened(), this.hart(hart), place, value);
    this.standing.report();
  }

  /** @throws Error when the value is no guest address */
  evaluateAddress(text: string, hart: HartId): number {
    const value = parseExpression(text)(targetScope(this.opened(), this.hart(hart)));
    const address = BigInt.asUintN(64, value);
    if (address >= 1n << 32n) {
      throw new Error(`0x${address.toString(16)} is above 4 GiB, where guest addresses end.`);
    }
    return Number(address);
  }

  evaluateOnAll(text: string): readonly HartValue[] {
    return evaluateOnHarts(text, this.opened());
  }
}
