/** Most bytes that are gathered into one message. */
const BATCH_BYTES = 64 * 1024;
/** What the client is sent at most in a period, so that a flood of output cannot fill its memory. */
const PERIOD_BYTES = 128 * 1024;
const PERIOD_MILLISECONDS = 50;
/** What a message costs besides its bytes: harts that take turns at printing make many. */
const MESSAGE_BYTES = 256;

/** Gathers a guest's output into messages of fair size, each of one hart, and says when the guest should slow down. */
export class OutputBatch {
  private parts: Uint8Array[] = [];
  private length = 0;
  private hart = 0;
  private periodStart = 0;
  private periodBytes = 0;

  /** @param send takes a message: bytes in order, its own copy, and the number of the hart that printed them */
  constructor(private readonly send: (bytes: Uint8Array, hart: number) => void) {}

  add(bytes: Uint8Array, hart: number): void {
    if (hart !== this.hart) {
      this.flush();
      this.hart = hart;
      this.periodBytes += MESSAGE_BYTES;
    }
    this.parts.push(bytes.slice());
    this.length += bytes.length;
    this.periodBytes += bytes.length;
    if (this.length >= BATCH_BYTES) this.flush();
  }

  flush(): void {
    if (this.length === 0) return;
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    this.parts = [];
    this.length = 0;
    this.send(all, this.hart);
  }

  /**
   * How long the guest should rest, in milliseconds, before it may print more.
   * @param now milliseconds of any steady clock
   */
  rest(now: number): number {
    const elapsed = now - this.periodStart;
    if (elapsed >= PERIOD_MILLISECONDS) {
      this.periodStart = now;
      this.periodBytes = 0;
      return 0;
    }
    return this.periodBytes > PERIOD_BYTES ? PERIOD_MILLISECONDS - elapsed : 0;
  }
}
