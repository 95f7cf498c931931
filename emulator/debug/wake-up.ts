/** Lets one waiter sleep until it is woken or a time has passed. A wake that nobody waits for is kept. */
export class WakeUp {
  private pending = false;
  private resume: (() => void) | undefined;

  wake(): void {
    if (this.resume) this.resume();
    else this.pending = true;
  }

  /** @param milliseconds the longest wait; undefined = until woken */
  wait(milliseconds: number | undefined): Promise<void> {
    if (this.pending || (milliseconds !== undefined && milliseconds <= 0)) {
      this.pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      this.resume = () => {
        clearTimeout(timer);
        this.resume = undefined;
        resolve();
      };
      // Timers end one millisecond early at times: the waiter looks again and waits the rest.
      if (milliseconds !== undefined) {
        timer = setTimeout(() => this.resume?.(), Math.min(milliseconds, 2 ** 31 - 1));
      }
    });
  }
}
