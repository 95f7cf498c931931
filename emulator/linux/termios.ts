/**
 * The settings of a terminal as Linux keeps them (include/uapi/asm-generic/termbits.h). `struct termios`
 * of the kernel, which is not the C library's:
 *
 * | offset | type   | field |
 * |--------|--------|-------|
 * | 0      | u32    | c_iflag |
 * | 4      | u32    | c_oflag |
 * | 8      | u32    | c_cflag |
 * | 12     | u32    | c_lflag |
 * | 16     | u8     | c_line |
 * | 17     | 19×u8  | c_cc |
 * | 36     | u32    | c_ispeed (struct termios2 only) |
 * | 40     | u32    | c_ospeed (struct termios2 only) |
 */
export interface Termios {
  readonly iflag: number;
  readonly oflag: number;
  readonly cflag: number;
  readonly lflag: number;
  readonly line: number;
  /** Control characters by their `CC` index. */
  readonly cc: Uint8Array;
}

export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;
const CC_OFFSET = 17;
const CC_COUNT = 19;
const SPEED = 38400;

/** Bits of c_iflag. */
export const IFLAG = {
  ISTRIP: 0x20,
  INLCR: 0x40,
  IGNCR: 0x80,
  ICRNL: 0x100,
  IUCLC: 0x200,
  IXON: 0x400,
  IXANY: 0x800,
  IMAXBEL: 0x2000,
  IUTF8: 0x4000,
} as const;

/** Bits of c_oflag. */
export const OFLAG = {
  OPOST: 0x1,
  OLCUC: 0x2,
  ONLCR: 0x4,
  OCRNL: 0x8,
  ONOCR: 0x10,
  ONLRET: 0x20,
  XTABS: 0x1800,
} as const;

/** Bits of c_lflag. */
export const LFLAG = {
  ISIG: 0x1,
  ICANON: 0x2,
  ECHO: 0x8,
  ECHOE: 0x10,
  ECHOK: 0x20,
  ECHONL: 0x40,
  NOFLSH: 0x80,
  ECHOCTL: 0x200,
  ECHOKE: 0x800,
  IEXTEN: 0x8000,
} as const;

/** Indices into c_cc. A control character of 0 is switched off. */
export const CC = {
  VINTR: 0,
  VQUIT: 1,
  VERASE: 2,
  VKILL: 3,
  VEOF: 4,
  VTIME: 5,
  VMIN: 6,
  VSTART: 8,
  VSTOP: 9,
  VSUSP: 10,
  VEOL: 11,
  VREPRINT: 12,
  VWERASE: 14,
  VLNEXT: 15,
  VEOL2: 16,
} as const;

/** B38400 | CS8 | CREAD. */
const DEFAULT_CFLAG = 0x0f | 0x30 | 0x80;

/** What a terminal emulator's pseudo-terminal starts with: canonical mode, echo, signals, UTF-8. */
export function defaultTermios(): Termios {
  return {
    iflag: IFLAG.ICRNL | IFLAG.IXON | IFLAG.IUTF8,
    oflag: OFLAG.OPOST | OFLAG.ONLCR,
    cflag: DEFAULT_CFLAG,
    lflag:
      LFLAG.ISIG |
      LFLAG.ICANON |
      LFLAG.ECHO |
      LFLAG.ECHOE |
      LFLAG.ECHOK |
      LFLAG.ECHOCTL |
      LFLAG.ECHOKE |
      LFLAG.IEXTEN,
    line: 0,
    // ^C ^\ DEL ^U ^D, time 0, min 1, ^Q ^S ^Z ^R ^O ^W ^V (INIT_C_CC).
    cc: Uint8Array.from([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0]),
  };
}

/** @param size TERMIOS_SIZE or TERMIOS2_SIZE */
export function encodeTermios(termios: Termios, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, termios.iflag, true);
  view.setUint32(4, termios.oflag, true);
  view.setUint32(8, termios.cflag, true);
  view.setUint32(12, termios.lflag, true);
  view.setUint8(16, termios.line);
  bytes.set(termios.cc.subarray(0, CC_COUNT), CC_OFFSET);
  if (size >= TERMIOS2_SIZE) {
    view.setUint32(36, SPEED, true);
    view.setUint32(40, SPEED, true);
  }
  return bytes;
}

/** @param bytes at least TERMIOS_SIZE bytes */
export function decodeTermios(bytes: Uint8Array): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    iflag: view.getUint32(0, true),
    oflag: view.getUint32(4, true),
    cflag: view.getUint32(8, true),
    lflag: view.getUint32(12, true),
    line: view.getUint8(16),
    cc: bytes.slice(CC_OFFSET, CC_OFFSET + CC_COUNT),
  };
}
