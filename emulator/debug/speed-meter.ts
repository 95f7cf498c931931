/** Instructions per second of a running hart, over the time since the last sample. */
export class SpeedMeter {
  private time: number | undefined;
  private count = 0;
  /** Millions of instructions per second over the last period; undefined before the second sample. */
  mips: number | undefined;

  /**
   * @param now milliseconds of any steady clock
   * @param instructions retired so far
   */
  sample(now: number, instructions: number): void {
    if (this.time !== undefined && now > this.time) {
      this.mips = (instructions - this.count) / ((now - this.time) * 1000);
    }
    this.time = now;
    this.count = instructions;
  }
}
