import { isatty, type ReadStream, type WriteStream } from 'node:tty';
import { SIGNAL } from '../emulator/linux/abi/signals';
import type { OutputStream } from '../emulator/linux/streams';
import { Terminal } from '../emulator/linux/terminal';
import type { Termios } from '../emulator/linux/termios';
import { FileOutput } from './host-streams';

const DEFAULT_SIZE = { columns: 80, rows: 24 };
/** The longest that setTimeout takes. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The parts of process.stdin and process.stdout that a terminal is made of. */
export interface TerminalDevice {
  /** Keyboard; undefined when standard input is no terminal. */
  readonly keyboard?: Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>;
  /** Undefined when standard output is no terminal. */
  readonly screen?: Pick<WriteStream, 'columns' | 'rows' | 'on' | 'off'>;
  readonly show: OutputStream;
}

/**
 * The terminal that the command runs in, as the guest's. The guest gets a line discipline of its own,
 * so that its settings, signals and ends of file are exact; for that the host's terminal is switched to
 * raw mode when the guest first reads or changes settings, and back in `close`. A guest that only writes
 * leaves it alone.
 */
export class HostTerminal extends Terminal {
  private raw = false;
  private wake: () => void = () => undefined;
  private readonly onData = (bytes: Uint8Array): void => {
    this.input(bytes);
    this.wake();
  };
  private readonly onEnd = (): void => {
    this.hangUp();
    this.wake();
  };
  private readonly onResize = (): void => {
    this.resize(sizeOf(this.device));
    this.wake();
  };
  /** ^C while the host's terminal is not in raw mode. */
  private readonly onInterrupt = (): void => {
    this.interrupt(SIGNAL.SIGINT);
    this.wake();
  };

  constructor(
    private readonly device: TerminalDevice,
    now: () => number,
  ) {
    super({
      ...sizeOf(device),
      now,
      output: (bytes) => void device.show.write(unprocessed(bytes)),
    });
    device.screen?.on('resize', this.onResize);
    if (device.keyboard !== undefined) process.on('SIGINT', this.onInterrupt);
  }

  override read(max: number, timedOut = false): Uint8Array | 'wait' | 'eof' {
    this.takeKeyboard();
    return super.read(max, timedOut);
  }

  override setTermios(termios: Termios): void {
    this.takeKeyboard();
    super.setTermios(termios);
  }

  /**
   * Lets Node deliver what has happened, and waits for something to happen.
   * @param milliseconds the longest wait [for ever]
   */
  nextEvent(milliseconds = LONGEST_TIMEOUT): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_TIMEOUT));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Puts the host's terminal back as it was. */
  close(): void {
    const { keyboard, screen } = this.device;
    screen?.off('resize', this.onResize);
    process.off('SIGINT', this.onInterrupt);
    if (!this.raw || keyboard === undefined) return;
    this.raw = false;
    keyboard.off('data', this.onData);
    keyboard.off('end', this.onEnd);
    keyboard.pause();
    keyboard.setRawMode(false);
  }

  private takeKeyboard(): void {
    const { keyboard } = this.device;
    if (this.raw || keyboard === undefined) return;
    this.raw = true;
    keyboard.setRawMode(true);
    keyboard.on('data', this.onData);
    keyboard.on('end', this.onEnd);
    keyboard.resume();
  }
}

function sizeOf({ screen }: TerminalDevice): { columns: number; rows: number } {
  const { columns, rows } = {
    ...DEFAULT_SIZE,
    ...(screen && { columns: screen.columns, rows: screen.rows }),
  };
  // A pseudo-terminal that nobody has sized says 0.
  return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
}

/**
 * Takes back what output processing (ONLCR) has done: the host's terminal does it too, since Node's raw
 * mode leaves it on.
 */
function unprocessed(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, i) => !(byte === 0x0d && bytes[i + 1] === 0x0a));
}

/** The terminal among the standard streams, when one of them is. */
export function findTerminal(): TerminalDevice | undefined {
  const keyboard = isatty(0);
  const screen = isatty(1);
  const output = screen ? 1 : isatty(2) ? 2 : keyboard ? 0 : undefined;
  if (output === undefined) return undefined;
  return {
    ...(keyboard && { keyboard: process.stdin }),
    ...(screen && { screen: process.stdout }),
    show: new FileOutput(output),
  };
}
