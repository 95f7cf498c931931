import { HART } from '../memory/layout';

/**
 * One hart's registers in the arena (`HART` in memory/layout.ts has the offsets). A hart is a saved
 * state: this is a view of it for whoever looks at it while no engine runs it.
 */
export class HartState {
  private readonly words: BigUint64Array;
  private readonly view: DataView;

  /** @param base arena address of the hart's context */
  constructor(
    memory: WebAssembly.Memory,
    readonly base: number,
  ) {
    this.view = new DataView(memory.buffer, base, HART.size);
    this.words = new BigUint64Array(memory.buffer, base, HART.size / 8);
  }

  /** Integer register n (0 to 31) as an unsigned 64-bit value. */
  x(n: number): bigint {
    return this.words[n] ?? 0n;
  }

  setX(n: number, value: bigint): void {
    if (n !== 0) this.words[n] = value;
  }

  /**
   * Integer register n as a number: exact below 2^53, else the nearest double, which no valid guest
   * address, length or descriptor reaches.
   */
  xNumber(n: number): number {
    return Number(this.x(n));
  }

  /** The low 32 bits of integer register n as a signed number (a C `int` argument). */
  xInt(n: number): number {
    return this.view.getInt32(HART.x + 8 * n, true);
  }

  /** All 64 bits of floating-point register n. */
  f(n: number): bigint {
    return this.words[HART.f / 8 + n] ?? 0n;
  }

  setF(n: number, bits: bigint): void {
    this.words[HART.f / 8 + n] = bits;
  }

  get pc(): number {
    return Number(this.words[HART.pc / 8]);
  }

  set pc(address: number) {
    this.words[HART.pc / 8] = BigInt(address);
  }

  /** Instructions retired. */
  get instret(): number {
    return Number(this.words[HART.instret / 8]);
  }

  set instret(count: number) {
    this.words[HART.instret / 8] = BigInt(count);
  }

  /** frm in bits 7:5, fflags in bits 4:0. */
  get fcsr(): number {
    return this.view.getUint32(HART.fcsr, true);
  }

  set fcsr(value: number) {
    this.view.setUint32(HART.fcsr, value & 0xff, true);
  }

  get mhartid(): number {
    return this.view.getUint32(HART.mhartid, true);
  }

  set mhartid(id: number) {
    this.view.setUint32(HART.mhartid, id, true);
  }

  /** A 32-bit field of the context by its offset in `HART`. */
  field(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  setField(offset: number, value: number): void {
    this.view.setUint32(offset, value, true);
  }

  /** A 64-bit field of the context by its offset in `HART`, as a number. */
  longField(offset: number): number {
    return Number(this.words[offset / 8]);
  }

  setLongField(offset: number, value: number): void {
    this.words[offset / 8] = BigInt(value);
  }

  /** Drops an LR reservation, as a trap and a context switch do. */
  clearReservation(): void {
    this.setField(HART.reservation, 0);
  }
}
