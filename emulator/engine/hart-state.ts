import { HART } from '../memory/layout';

const TWO_32 = 2 ** 32;

/**
 * One hart's registers in the arena (`HART` in memory/layout.ts has the offsets). A hart is a saved
 * state: this is a view of it for whoever looks at it while no engine runs it.
 */
export class HartState {
  private readonly words: BigUint64Array;
  /** The same in halves, the lower ones first: numbers without a bigint. */
  private readonly halves: Uint32Array;
  private readonly view: DataView;

  /** @param base arena address of the hart's context */
  constructor(
    memory: WebAssembly.Memory,
    readonly base: number,
  ) {
    this.view = new DataView(memory.buffer, base, HART.size);
    this.words = new BigUint64Array(memory.buffer, base, HART.size / 8);
    this.halves = new Uint32Array(memory.buffer, base, HART.size / 4);
  }

  /** The bytes of the context from `offset` on, `HART` in memory/layout.ts: a view, not a copy. */
  bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.words.buffer, this.base + offset, length);
  }

  /** Integer register n (0 to 31) as an unsigned 64-bit value. */
  x(n: number): bigint {
    return this.words[n] ?? 0n;
  }

  /** Sets integer register n to a value modulo 2^64. */
  setX(n: number, value: bigint): void {
    if (n !== 0) this.words[n] = value;
  }

  /**
   * Integer register n as a number: exact below 2^53, else the nearest double, which no valid guest
   * address, length or descriptor reaches.
   */
  xNumber(n: number): number {
    return this.longField(HART.x + 8 * n);
  }

  /** Sets integer register n to a whole number, negative ones as in two's complement. */
  setXNumber(n: number, value: number): void {
    if (n !== 0) this.setLongField(HART.x + 8 * n, value);
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
    return this.longField(HART.pc);
  }

  set pc(address: number) {
    this.setLongField(HART.pc, address);
  }

  /** Instructions retired. */
  get instret(): number {
    return this.longField(HART.instret);
  }

  set instret(count: number) {
    this.setLongField(HART.instret, count);
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

  /** Sets all registers to 0, as a new program finds them. The counters and pc stay. */
  clearRegisters(): void {
    for (let n = 0; n < 32; n++) {
      this.setX(n, 0n);
      this.setF(n, 0n);
    }
    this.fcsr = 0;
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
    const at = offset / 4;
    return this.halves[at] + this.halves[at + 1] * TWO_32;
  }

  /** A 64-bit field that holds an address (`Fault.address`). */
  addressField(offset: number): number {
    const at = offset / 4;
    return this.halves[at] + (this.halves[at + 1] | 0) * TWO_32;
  }

  setLongField(offset: number, value: number): void {
    const at = offset / 4;
    // Storing takes a number modulo 2^32.
    this.halves[at] = value;
    this.halves[at + 1] = Math.floor(value / TWO_32);
  }

  /** Drops an LR reservation, as a trap and a context switch do. */
  clearReservation(): void {
    this.setField(HART.reservation, 0);
  }
}
