import { SIGNAL, signalName } from './abi/signals';
import { SI, signalCode, type SignalInfo } from './signal-info';

/** Names of `si_code` that any signal can have. */
const CODE_NAMES: Readonly<Record<number, string>> = {
  [SI.USER]: 'SI_USER',
  [SI.KERNEL]: 'SI_KERNEL',
  [SI.QUEUE]: 'SI_QUEUE',
  [SI.TIMER]: 'SI_TIMER',
  [SI.TKILL]: 'SI_TKILL',
};

/** Names of `si_code` of faults, from 1 on. */
const FAULT_NAMES: Readonly<Record<number, readonly string[]>> = {
  [SIGNAL.SIGSEGV]: ['SEGV_MAPERR', 'SEGV_ACCERR'],
  [SIGNAL.SIGBUS]: ['BUS_ADRALN'],
  [SIGNAL.SIGILL]: ['ILL_ILLOPC'],
  [SIGNAL.SIGTRAP]: ['TRAP_BRKPT'],
};

/** A signal as strace shows it: `SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}`. */
export function describeSignal(info: SignalInfo): string {
  const name = signalName(info.signal);
  const code = signalCode(info);
  const view = new DataView(info.bytes.buffer, info.bytes.byteOffset);
  const fault = FAULT_NAMES[info.signal]?.[code - 1];
  const parts = [`si_signo=${name}`, `si_code=${fault ?? CODE_NAMES[code] ?? code}`];
  if (fault !== undefined) {
    parts.push(`si_addr=0x${view.getBigUint64(16, true).toString(16)}`);
  } else if (code === SI.TIMER) {
    parts.push(`si_timerid=${view.getInt32(16, true)}`, `si_overrun=${view.getInt32(20, true)}`);
  } else if (code <= SI.USER) {
    parts.push(`si_pid=${view.getInt32(16, true)}`, `si_uid=${view.getUint32(20, true)}`);
  }
  if (code === SI.QUEUE || code === SI.TIMER) {
    parts.push(`si_value=0x${view.getBigUint64(24, true).toString(16)}`);
  }
  return `${name} {${parts.join(', ')}}`;
}
