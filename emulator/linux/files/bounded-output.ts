import { ERRNO } from '../abi/errno';
import type { OutputStream, StandardStreams, TerminalSettings } from '../streams';

/** What a process may still write to its standard streams, all of them together. */
interface Budget {
  left: number;
}

/** A stream that is full when the budget is used up: ENOSPC. */
class BoundedOutput implements OutputStream {
  readonly terminal?: TerminalSettings;

  constructor(
    private readonly stream: OutputStream,
    private readonly budget: Budget,
  ) {
    if (stream.terminal !== undefined) this.terminal = stream.terminal;
  }

  get isTerminal(): boolean {
    return this.stream.isTerminal;
  }

  write(bytes: Uint8Array): number | 'wait' {
    const { budget } = this;
    if (budget.left === 0) return -ERRNO.ENOSPC;
    const written = this.stream.write(bytes.subarray(0, budget.left));
    if (typeof written === 'number' && written > 0) budget.left -= written;
    return written;
  }
}

/**
 * Streams that take `bytes` bytes of output in all.
 * @param bytes undefined = the streams themselves
 */
export function boundOutput(streams: StandardStreams, bytes: number | undefined): StandardStreams {
  if (bytes === undefined) return streams;
  const budget = { left: bytes };
  const stdout = new BoundedOutput(streams.stdout, budget);
  const same = streams.stderr === streams.stdout;
  return {
    stdin: streams.stdin,
    stdout,
    stderr: same ? stdout : new BoundedOutput(streams.stderr, budget),
  };
}
