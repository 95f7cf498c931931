import { CC, LFLAG, OFLAG, type Termios } from './termios';

const BACKSPACE = 0x08;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const DELETE = 0x7f;
const TAB_WIDTH = 8;

/** True for 0x00 to 0x1f and DEL, which ECHOCTL shows as ^X. */
export function isControl(byte: number): boolean {
  return byte < SPACE || byte === DELETE;
}

/** True for the second and later bytes of a character in UTF-8. */
export function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/**
 * The way out of a terminal: output processing (OPOST) and echo. It follows the cursor's column, which
 * erasing a tab needs to know. Rules: drivers/tty/n_tty.c, do_output_char and echo_char.
 */
export class TerminalOutput {
  private column = 0;
  private bytes: number[] = [];

  constructor(private readonly send: (bytes: Uint8Array) => void) {}

  get cursorColumn(): number {
    return this.column;
  }

  /** Sends on what has been put since the last flush. */
  flush(): void {
    if (this.bytes.length === 0) return;
    const bytes = Uint8Array.from(this.bytes);
    this.bytes = [];
    this.send(bytes);
  }

  /** One byte of the program's output. */
  put(byte: number, { oflag }: Termios): void {
    if ((oflag & OFLAG.OPOST) === 0) {
      this.emit(byte);
      return;
    }
    switch (byte) {
      case NEWLINE:
        if (oflag & OFLAG.ONLCR) this.emit(RETURN);
        if (oflag & (OFLAG.ONLCR | OFLAG.ONLRET)) this.emit(byte);
        // A bare newline moves down only: the column stays.
        else this.bytes.push(byte);
        return;
      case RETURN:
        if (oflag & OFLAG.ONOCR && this.column === 0) return;
        this.emit(oflag & OFLAG.OCRNL ? NEWLINE : RETURN);
        return;
      case TAB:
        if ((oflag & OFLAG.XTABS) === OFLAG.XTABS) {
          for (let n = TAB_WIDTH - (this.column % TAB_WIDTH); n > 0; n--) this.emit(SPACE);
          return;
        }
        break;
      default:
        break;
    }
    this.emit(oflag & OFLAG.OLCUC && byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte);
  }

  /** Shows a typed byte; control characters as ^X when ECHOCTL is set. */
  echo(byte: number, termios: Termios): void {
    if ((termios.lflag & LFLAG.ECHOCTL) !== 0 && isControl(byte) && byte !== TAB) {
      this.emit(0x5e);
      this.emit(byte ^ 0x40);
    } else {
      this.put(byte, termios);
    }
  }

  /** Moves back over the last `count` columns and blanks them. */
  erase(count: number): void {
    for (let n = 0; n < count; n++) {
      this.emit(BACKSPACE);
      this.emit(SPACE);
      this.emit(BACKSPACE);
    }
  }

  /** Moves back without blanking, as over the ^ that a literal-next shows and over a tab. */
  back(count: number): void {
    for (let n = 0; n < count; n++) this.emit(BACKSPACE);
  }

  private emit(byte: number): void {
    this.bytes.push(byte);
    if (byte === RETURN || byte === NEWLINE) this.column = 0;
    else if (byte === BACKSPACE) this.column = Math.max(0, this.column - 1);
    else if (byte === TAB) this.column += TAB_WIDTH - (this.column % TAB_WIDTH);
    else if (!isControl(byte) && !isContinuation(byte)) this.column++;
  }
}

/** Columns that the typed bytes take on the screen when they begin at `column`. */
export function displayWidth(bytes: readonly number[], column: number, termios: Termios): number {
  const caret = (termios.lflag & LFLAG.ECHOCTL) !== 0;
  let at = column;
  for (const byte of bytes) {
    if (byte === TAB) at += TAB_WIDTH - (at % TAB_WIDTH);
    else if (isControl(byte)) at += caret ? 2 : 0;
    else if (!isContinuation(byte)) at++;
  }
  return at - column;
}

/** True when `byte` is the control character `index` and that one is switched on. */
export function isCharacter(termios: Termios, index: keyof typeof CC, byte: number): boolean {
  return byte !== 0 && termios.cc[CC[index]] === byte;
}
