import type { DebugTarget } from './target';

/** Keeps the addresses where harts stop: those of breakpoints, and those of steps for as long as they last. */
export class CodePlanter {
  private stops: DebugTarget['stops'] | undefined;
  private lasting = new Set<number>();
  /** How many steps want a stop at an address. */
  private readonly temporary = new Map<number, number>();

  /** For a program that has just been loaded: nothing is planted there. */
  attach(stops: DebugTarget['stops']): void {
    this.stops = stops;
    this.lasting = new Set();
    this.temporary.clear();
  }

  /** From now on harts stop at these addresses, and not any more where they did before. */
  plant(addresses: readonly number[]): void {
    const before = this.lasting;
    this.lasting = new Set(addresses);
    for (const address of before) this.withdraw(address);
    for (const address of this.lasting) this.place(address);
  }

  /** Stops at these addresses until the returned function is called. */
  add(addresses: readonly number[]): () => void {
    const { temporary } = this;
    for (const address of addresses) {
      temporary.set(address, (temporary.get(address) ?? 0) + 1);
      this.place(address);
    }
    return () => {
      for (const address of addresses) {
        const left = (temporary.get(address) ?? 0) - 1;
        if (left > 0) temporary.set(address, left);
        else temporary.delete(address);
        this.withdraw(address);
      }
    };
  }

  private place(address: number): void {
    if (this.stops?.has(address) === false) this.stops.add(address);
  }

  private withdraw(address: number): void {
    if (this.lasting.has(address) || this.temporary.has(address)) return;
    if (this.stops?.has(address) === true) this.stops.delete(address);
  }
}
