// At the process's end writes what it has used to the file that this names: `Usage` as JSON.
import { openSync, readSync, writeFileSync } from 'node:fs';
import { Pauses } from '../../emulator/engine/translator/pauses';

export interface Usage {
  /** The most memory that the process had. */
  readonly peakKiB: number;
  /**
   * How long the main thread's harts stood still for translations at most, in milliseconds, without what the thread waited for a
   * processor meanwhile; undefined where the host does not tell.
   */
  readonly longestPauseMs?: number;
}

/** Milliseconds that this thread has waited for a processor; Linux tells (proc(5), /proc/pid/schedstat, second number). */
function openWaits(): (() => number) | undefined {
  if (process.platform !== 'linux') return undefined;
  const file = openSync('/proc/thread-self/schedstat', 'r');
  const buffer = Buffer.alloc(128);
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return Number(buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6;
  };
}

/** Measures this thread's pauses by a clock that stands still while the thread waits for a processor. */
function measureRunningPauses(waited: () => number): Pauses {
  const running = new Pauses(() => performance.now() - waited());
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right `this` below
  const { during } = Pauses.prototype;
  Pauses.prototype.during = function (work) {
    return during.call(this, this === running ? work : () => void running.during(work));
  };
  return running;
}

const file = process.env.HARTSCOPE_BENCH_USAGE;
if (file) {
  const waits = openWaits();
  const running = waits && measureRunningPauses(waits);
  process.on('exit', () => {
    const usage: Usage = {
      peakKiB: process.resourceUsage().maxRSS,
      ...(running && { longestPauseMs: running.longest }),
    };
    writeFileSync(file, JSON.stringify(usage));
  });
}
