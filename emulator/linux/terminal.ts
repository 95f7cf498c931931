import { SIGNAL } from './abi/signals';
import type { InputStream, OutputStream, TerminalSettings, WindowSize } from './streams';
import {
  displayWidth,
  isCharacter,
  isContinuation,
  isControl,
  TerminalOutput,
} from './terminal-output';
import { CC, defaultTermios, IFLAG, LFLAG, type Termios } from './termios';

const BELL = 0x07;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** Longest line in canonical mode, its newline included (N_TTY_BUF_SIZE). */
const LINE_LIMIT = 4096;
/** Input that nobody reads is dropped beyond this. */
const INPUT_LIMIT = 1 << 20;

export interface TerminalOptions extends WindowSize {
  /** What is to be shown, in order: output of the program and echo. */
  readonly output: (bytes: Uint8Array) => void;
  /** Monotonic milliseconds, the kernel's clock; for the timeout of raw reads (VTIME). */
  readonly now: () => number;
}

/** What comes to a terminal from outside, as against what the program does to it. */
export type TerminalIncident =
  /** Keys. */
  | { readonly kind: 'typed'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'resized' } & WindowSize)
  /** A signal that no key has made. */
  | { readonly kind: 'signal'; readonly signal: number }
  /** Nobody types any more: reads that would wait are at the end of the input. */
  | { readonly kind: 'hangup' };

/**
 * A terminal: the line discipline between what a person types and what the program reads (Linux's
 * n_tty.c). In canonical mode it gathers and edits a line; in raw mode bytes pass as they come. It is
 * standard input, output and error at once.
 */
export class Terminal implements InputStream, OutputStream, TerminalSettings {
  readonly isTerminal = true;
  /** What ^C, ^\, ^Z and a change of size send to the program; set by the kernel. */
  onSignal: (signal: number) => void = () => undefined;
  /** Told about everything that comes from outside before it is taken. */
  onIncident: (incident: TerminalIncident) => void = () => undefined;

  private settings = defaultTermios();
  private size: WindowSize;
  private readonly out: TerminalOutput;
  private now: () => number;
  /** Canonical: finished lines, an empty one for ^D at the start of a line. Raw: what came. */
  private ready: Uint8Array[] = [];
  /** Bytes in `ready`. */
  private readyCount = 0;
  /** The line being typed. */
  private line: number[] = [];
  /** Column in which the line being typed begins. */
  private lineColumn = 0;
  private literalNext = false;
  private stopped = false;
  private hungUp = false;
  private lastInput = 0;

  constructor({ output, now, columns, rows }: TerminalOptions) {
    this.out = new TerminalOutput(output);
    this.now = now;
    this.size = { columns, rows };
  }

  get terminal(): TerminalSettings {
    return this;
  }

  get termios(): Termios {
    return this.settings;
  }

  get windowSize(): WindowSize {
    return this.size;
  }

  setTermios(termios: Termios): void {
    const wasCanonical = this.canonical;
    this.settings = termios;
    if (wasCanonical && !this.canonical) {
      // What was typed so far becomes readable as it is; the ends of file have no meaning any more.
      this.ready = this.ready.filter((bytes) => bytes.length > 0);
      if (this.line.length > 0) this.push(Uint8Array.from(this.line));
      this.line = [];
    }
    if ((termios.iflag & IFLAG.IXON) === 0) this.stopped = false;
  }

  setWindowSize(size: WindowSize): void {
    if (size.columns === this.size.columns && size.rows === this.size.rows) return;
    this.size = size;
    this.onSignal(SIGNAL.SIGWINCH);
  }

  flushInput(): void {
    this.ready = [];
    this.readyCount = 0;
    this.line = [];
    this.literalNext = false;
  }

  /** Takes the time of raw reads from another clock: monotonic milliseconds. */
  useClock(now: () => number): void {
    this.now = now;
  }

  /** What has come from outside takes its course. */
  take(incident: TerminalIncident): void {
    switch (incident.kind) {
      case 'typed':
        return this.input(incident.bytes);
      case 'resized':
        return this.resize(incident);
      case 'signal':
        return this.interrupt(incident.signal);
      case 'hangup':
        return this.hangUp();
    }
  }

  /** The window has another size; `setWindowSize` is for the program. */
  resize({ columns, rows }: WindowSize): void {
    this.onIncident({ kind: 'resized', columns, rows });
    this.setWindowSize({ columns, rows });
  }

  /** A signal from outside, past the keys. */
  interrupt(signal: number): void {
    this.onIncident({ kind: 'signal', signal });
    this.onSignal(signal);
  }

  /** No more keys will come. */
  hangUp(): void {
    this.onIncident({ kind: 'hangup' });
    this.hungUp = true;
  }

  /** Bytes from the keyboard. */
  input(bytes: Uint8Array): void {
    this.onIncident({ kind: 'typed', bytes });
    this.lastInput = this.now();
    for (const byte of bytes) this.receive(byte);
    this.out.flush();
  }

  read(max: number, timedOut = false): Uint8Array | 'wait' | 'eof' {
    const result = this.readNow(max, timedOut);
    return result === 'wait' && this.hungUp ? 'eof' : result;
  }

  private readNow(max: number, timedOut: boolean): Uint8Array | 'wait' | 'eof' {
    if (this.canonical) return this.readLine(max);
    const available = this.available();
    const { minimum, time } = this.rawLimits;
    if (available === 0) {
      return minimum === 0 && (time === 0 || timedOut) ? 'eof' : 'wait';
    }
    if (available < Math.min(minimum, max) && !timedOut) return 'wait';
    return this.takeBytes(max);
  }

  readDeadline(waitingSince: number): number | undefined {
    const { minimum, time } = this.rawLimits;
    if (this.canonical || time === 0) return undefined;
    if (minimum === 0) return waitingSince + time;
    // With a minimum the timer runs between bytes: it starts with the first one.
    return this.available() > 0 ? this.lastInput + time : undefined;
  }

  available(): number {
    return this.readyCount;
  }

  /** True when a read would not wait: a line, an end of file, or enough raw bytes. */
  readable(): boolean {
    if (this.canonical) return this.ready.length > 0;
    const { minimum, time } = this.rawLimits;
    return this.available() >= (time === 0 ? Math.max(1, minimum) : 1);
  }

  write(bytes: Uint8Array): number | 'wait' {
    if (this.stopped) return 'wait';
    for (const byte of bytes) this.out.put(byte, this.settings);
    this.out.flush();
    if (this.line.length === 0) this.lineColumn = this.out.cursorColumn;
    return bytes.length;
  }

  private get canonical(): boolean {
    return (this.settings.lflag & LFLAG.ICANON) !== 0;
  }

  private get rawLimits(): { minimum: number; time: number } {
    const { cc } = this.settings;
    return { minimum: cc[CC.VMIN] ?? 0, time: (cc[CC.VTIME] ?? 0) * 100 };
  }

  private has(flag: keyof typeof LFLAG): boolean {
    return (this.settings.lflag & LFLAG[flag]) !== 0;
  }

  private is(index: keyof typeof CC, byte: number): boolean {
    return isCharacter(this.settings, index, byte);
  }

  private readLine(max: number): Uint8Array | 'wait' | 'eof' {
    const first = this.ready[0];
    if (first === undefined) return 'wait';
    if (first.length === 0) {
      this.ready.shift();
      return 'eof';
    }
    return this.takeFromFirst(first, max);
  }

  private push(bytes: Uint8Array): void {
    this.ready.push(bytes);
    this.readyCount += bytes.length;
  }

  private takeFromFirst(first: Uint8Array, max: number): Uint8Array {
    if (first.length <= max) this.ready.shift();
    else this.ready[0] = first.subarray(max);
    this.readyCount -= Math.min(max, first.length);
    return first.slice(0, max);
  }

  private takeBytes(max: number): Uint8Array {
    const taken = new Uint8Array(Math.min(max, this.available()));
    for (let at = 0; at < taken.length;) {
      const first = this.ready[0];
      if (first === undefined) break;
      const piece = this.takeFromFirst(first, taken.length - at);
      taken.set(piece, at);
      at += piece.length;
    }
    return taken;
  }

  /** n_tty_receive_char and its special cases, in their order. */
  private receive(typed: number): void {
    const { iflag } = this.settings;
    let byte = iflag & IFLAG.ISTRIP ? typed & 0x7f : typed;
    if (this.literalNext) {
      this.literalNext = false;
      this.append(byte);
      return;
    }
    if (iflag & IFLAG.IXON && this.receiveFlowControl(byte)) return;
    if (this.has('ISIG') && this.receiveSignal(byte)) return;
    if (byte === RETURN) {
      if (iflag & IFLAG.IGNCR) return;
      if (iflag & IFLAG.ICRNL) byte = NEWLINE;
    } else if (byte === NEWLINE && iflag & IFLAG.INLCR) {
      byte = RETURN;
    }
    if (this.canonical && this.receiveEdit(byte)) return;
    this.append(byte);
  }

  private receiveFlowControl(byte: number): boolean {
    if (this.is('VSTOP', byte)) {
      this.stopped = true;
      return true;
    }
    const start = this.is('VSTART', byte);
    if (start || (this.stopped && this.settings.iflag & IFLAG.IXANY)) this.stopped = false;
    return start;
  }

  private receiveSignal(byte: number): boolean {
    const signal = this.is('VINTR', byte)
      ? SIGNAL.SIGINT
      : this.is('VQUIT', byte)
        ? SIGNAL.SIGQUIT
        : this.is('VSUSP', byte)
          ? SIGNAL.SIGTSTP
          : undefined;
    if (signal === undefined) return false;
    if (!this.has('NOFLSH')) this.flushInput();
    this.stopped = false;
    if (this.has('ECHO')) this.out.echo(byte, this.settings);
    this.onSignal(signal);
    return true;
  }

  /** Line editing and the ends of lines. Answers whether the byte was one of these. */
  private receiveEdit(byte: number): boolean {
    if (this.is('VERASE', byte)) {
      this.eraseCharacter();
    } else if (this.is('VKILL', byte)) {
      this.killLine(byte);
    } else if (this.has('IEXTEN') && this.is('VWERASE', byte)) {
      this.eraseWord();
    } else if (this.has('IEXTEN') && this.is('VLNEXT', byte)) {
      this.literalNext = true;
      if (this.has('ECHO') && this.has('ECHOCTL')) {
        this.out.put(0x5e, this.settings);
        this.out.back(1);
      }
    } else if (this.has('IEXTEN') && this.is('VREPRINT', byte)) {
      this.reprint(byte);
    } else if (byte === NEWLINE) {
      if (this.has('ECHO') || this.has('ECHONL')) this.out.put(NEWLINE, this.settings);
      this.finishLine([NEWLINE]);
    } else if (this.is('VEOF', byte)) {
      this.finishLine([]);
    } else if (this.is('VEOL', byte) || (this.has('IEXTEN') && this.is('VEOL2', byte))) {
      if (this.has('ECHO')) this.out.echo(byte, this.settings);
      this.finishLine([byte]);
    } else {
      return false;
    }
    return true;
  }

  private append(byte: number): void {
    const full = this.canonical
      ? this.line.length >= LINE_LIMIT - 1
      : this.available() >= INPUT_LIMIT;
    if (full) {
      this.out.put(BELL, this.settings);
      return;
    }
    if (this.canonical && this.line.length === 0) this.lineColumn = this.out.cursorColumn;
    if (this.has('ECHO')) {
      // A newline as typed text shows as one only where it ends a line.
      if (byte === NEWLINE && !this.canonical) this.out.put(byte, this.settings);
      else this.out.echo(byte, this.settings);
    }
    if (this.canonical) this.line.push(byte);
    else this.push(Uint8Array.of(byte));
  }

  private finishLine(end: readonly number[]): void {
    if (this.available() + this.line.length <= INPUT_LIMIT) {
      this.push(Uint8Array.from([...this.line, ...end]));
    }
    this.line = [];
    this.lineColumn = this.out.cursorColumn;
  }

  /** Takes the last character off the line: all bytes of it when the terminal is in UTF-8 mode. */
  private eraseCharacter(): void {
    const erased: number[] = [];
    for (let byte = this.line.pop(); byte !== undefined; byte = this.line.pop()) {
      erased.unshift(byte);
      if ((this.settings.iflag & IFLAG.IUTF8) === 0 || !isContinuation(byte)) break;
    }
    if (erased.length > 0 && this.has('ECHO')) this.showErased(erased);
  }

  private showErased(erased: readonly number[]): void {
    if (!this.has('ECHOE')) {
      this.out.echo(this.settings.cc[CC.VERASE] ?? 0, this.settings);
      return;
    }
    const before = this.lineColumn + displayWidth(this.line, this.lineColumn, this.settings);
    const width = displayWidth(erased, before, this.settings);
    if (erased[0] === TAB) this.out.back(width);
    else this.out.erase(width);
  }

  private killLine(byte: number): void {
    if (this.has('ECHO') && !(this.has('ECHOK') && this.has('ECHOKE') && this.has('ECHOE'))) {
      this.line = [];
      this.out.echo(byte, this.settings);
      if (this.has('ECHOK')) this.out.put(NEWLINE, this.settings);
      return;
    }
    while (this.line.length > 0) this.eraseCharacter();
  }

  /** Erases what is no word at the end of the line, then the word before it. */
  private eraseWord(): void {
    let inWord = false;
    for (;;) {
      const last = this.line.at(-1);
      if (last === undefined) return;
      const word = isWordByte(last);
      if (inWord && !word) return;
      inWord ||= word;
      this.eraseCharacter();
    }
  }

  private reprint(byte: number): void {
    if (!this.has('ECHO')) return;
    this.out.echo(byte, this.settings);
    this.out.put(NEWLINE, this.settings);
    this.lineColumn = this.out.cursorColumn;
    for (const typed of this.line) this.out.echo(typed, this.settings);
  }
}

/** Letters, digits, _ and everything beyond ASCII. */
function isWordByte(byte: number): boolean {
  return byte >= 0x80 || (!isControl(byte) && /\w/.test(String.fromCharCode(byte)));
}
