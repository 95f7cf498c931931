import { ERRNO } from '../abi/errno';
import type { Call, SyscallHandlers, SyscallResult } from '../call';
import { O_NONBLOCK, O_PATH, type OpenFile } from '../files/open-file';
import { beforeChanging } from '../job-control';
import type { TerminalSettings } from '../streams';
import { decodeTermios, encodeTermios, TERMIOS2_SIZE, TERMIOS_SIZE } from '../termios';

/** Requests (include/uapi/asm-generic/ioctls.h). */
const IOCTL = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TCSETSF: 0x5404,
  TCSBRK: 0x5409,
  TCXONC: 0x540a,
  TCFLSH: 0x540b,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSPGRP: 0x5410,
  TIOCOUTQ: 0x5411,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  FIONREAD: 0x541b,
  FIONBIO: 0x5421,
  TIOCNOTTY: 0x5422,
  TIOCGSID: 0x5429,
  TCGETS2: 0x802c542a,
  TCSETS2: 0x402c542b,
  TCSETSW2: 0x402c542c,
  TCSETSF2: 0x402c542d,
  FIONCLEX: 0x5450,
  FIOCLEX: 0x5451,
} as const;

const TCIFLUSH = 0;
const TCIOFLUSH = 2;
const WINSIZE_BYTES = 8;

/** Requests that every file takes; undefined when this is none of them. */
function anyFile(call: Call, file: OpenFile, request: number): SyscallResult | undefined {
  const { descriptors, memory } = call.kernel;
  switch (request) {
    case IOCTL.FIOCLEX:
    case IOCTL.FIONCLEX:
      descriptors.setCloseOnExec(call.int(0), request === IOCTL.FIOCLEX);
      return 0;
    case IOCTL.FIONBIO:
      file.flags = memory.u32(call.number(2)) ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
      return 0;
    case IOCTL.FIONREAD: {
      const available = file.available?.();
      if (available === undefined) return undefined;
      memory.setU32(call.number(2), available);
      return 0;
    }
    default:
      return undefined;
  }
}

function terminalRequest(call: Call, terminal: TerminalSettings, request: number): SyscallResult {
  const { memory } = call.kernel;
  const argument = call.number(2);
  switch (request) {
    case IOCTL.TCGETS:
      memory.write(argument, encodeTermios(terminal.termios, TERMIOS_SIZE));
      return 0;
    case IOCTL.TCGETS2:
      memory.write(argument, encodeTermios(terminal.termios, TERMIOS2_SIZE));
      return 0;
    case IOCTL.TCSETSF:
    case IOCTL.TCSETSF2:
    case IOCTL.TCSETS:
    case IOCTL.TCSETSW:
    case IOCTL.TCSETS2:
    case IOCTL.TCSETSW2: {
      const refusal = beforeChanging(call);
      if (refusal !== undefined) return refusal;
      const termios = decodeTermios(memory.read(argument, TERMIOS_SIZE));
      if (request === IOCTL.TCSETSF || request === IOCTL.TCSETSF2) terminal.flushInput();
      terminal.setTermios(termios);
      return 0;
    }
    case IOCTL.TCFLSH:
      if (argument > TCIOFLUSH) return -ERRNO.EINVAL;
      if (argument === TCIFLUSH || argument === TCIOFLUSH) terminal.flushInput();
      return 0;
    case IOCTL.TIOCGWINSZ:
      memory.write(argument, encodeWindowSize(terminal));
      return 0;
    case IOCTL.TIOCSWINSZ: {
      const view = new DataView(memory.read(argument, WINSIZE_BYTES).buffer);
      terminal.setWindowSize({ rows: view.getUint16(0, true), columns: view.getUint16(2, true) });
      return 0;
    }
    case IOCTL.TIOCOUTQ:
      memory.setU32(argument, 0);
      return 0;
    case IOCTL.TCSBRK:
    case IOCTL.TCXONC:
      return 0;
    default:
      return -ERRNO.ENOTTY;
  }
}

/** `struct winsize`: rows, columns, and the pixels that nobody fills in. */
function encodeWindowSize({ windowSize }: TerminalSettings): Uint8Array {
  const bytes = new Uint8Array(WINSIZE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, windowSize.rows, true);
  view.setUint16(2, windowSize.columns, true);
  return bytes;
}

/** Requests about whose terminal it is; undefined when this is none of them. */
function ownership(call: Call, request: number): SyscallResult | undefined {
  const { memory, state, pid, system } = call.kernel;
  const { terminal, processes } = system;
  const argument = call.number(2);
  const isMine = terminal.session === state.session;
  switch (request) {
    case IOCTL.TIOCGPGRP:
    case IOCTL.TIOCGSID:
      if (!isMine) return -ERRNO.ENOTTY;
      memory.setU32(argument, request === IOCTL.TIOCGSID ? terminal.session : terminal.foreground);
      return 0;
    case IOCTL.TIOCSPGRP: {
      const refusal = beforeChanging(call);
      if (refusal !== undefined) return refusal;
      const group = memory.i32(argument);
      if (!isMine) return -ERRNO.ENOTTY;
      if (group < 0) return -ERRNO.EINVAL;
      const members = processes.group(group);
      if (members.length === 0) return -ERRNO.ESRCH;
      if (!members.some((member) => member.state.session === state.session)) return -ERRNO.EPERM;
      terminal.foreground = group;
      return 0;
    }
    case IOCTL.TIOCSCTTY:
      if (isMine) return 0;
      if (state.session !== pid || terminal.session !== 0) return -ERRNO.EPERM;
      terminal.take(state.session, state.group);
      return 0;
    case IOCTL.TIOCNOTTY:
      if (!isMine) return -ERRNO.ENOTTY;
      if (state.session === pid) terminal.hangUp();
      return 0;
    default:
      return undefined;
  }
}

/** ioctl(2), for terminals above all. */
export const ioctlCalls: SyscallHandlers = {
  ioctl(call) {
    const file = call.kernel.descriptors.file(call.int(0));
    if (file.flags & O_PATH) return -ERRNO.EBADF;
    const request = call.uint(1);
    const answer = anyFile(call, file, request);
    if (answer !== undefined) return answer;
    if (file.terminal === undefined) return -ERRNO.ENOTTY;
    const owned = ownership(call, request);
    if (owned !== undefined) return owned;
    return terminalRequest(call, file.terminal, request);
  },
};
