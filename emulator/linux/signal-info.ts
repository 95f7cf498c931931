/** Bytes of `siginfo_t`. */
export const SIGINFO_BYTES = 128;

/** Values of `si_code` (include/uapi/asm-generic/siginfo.h). */
export const SI = {
  USER: 0,
  KERNEL: 0x80,
  QUEUE: -1,
  TIMER: -2,
  TKILL: -6,
  ILL_ILLOPC: 1,
  SEGV_MAPERR: 1,
  SEGV_ACCERR: 2,
  BUS_ADRALN: 1,
  TRAP_BRKPT: 1,
} as const;

/**
 * A signal on its way: what its handler finds in `siginfo_t`.
 *
 * | offset | type | field | |
 * |--------|------|-------|-|
 * | 0      | i32  | si_signo | |
 * | 4      | i32  | si_errno | |
 * | 8      | i32  | si_code | |
 * | 16     | i32, u32 | si_pid, si_uid | of kill and the like |
 * | 24     | u64  | si_value | of sigqueue |
 * | 16     | i32, i32 | si_timerid, si_overrun | of a timer, with si_value at 24 |
 * | 24     | i32  | si_status | of a child, with si_pid and si_uid |
 * | 16     | u64  | si_addr | of a fault |
 */
export interface SignalInfo {
  readonly signal: number;
  readonly bytes: Uint8Array;
  /** Told when the signal is taken off the queue; may complete `bytes`. */
  taken?(): void;
}

/** Who sends a signal. */
interface Sender {
  readonly pid: number;
  readonly uid: number;
}

function info(signal: number, code: number, fill: (view: DataView) => void): SignalInfo {
  const bytes = new Uint8Array(SIGINFO_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, signal, true);
  view.setInt32(8, code, true);
  fill(view);
  return { signal, bytes };
}

/** Of the kernel itself: a key of the terminal, an interval timer, a bad frame. */
export function kernelInfo(signal: number): SignalInfo {
  return info(signal, SI.KERNEL, () => undefined);
}

/** @param code SI.USER for kill, SI.TKILL for tkill and tgkill */
export function senderInfo(signal: number, code: number, { pid, uid }: Sender): SignalInfo {
  return info(signal, code, (view) => {
    view.setInt32(16, pid, true);
    view.setUint32(20, uid, true);
  });
}

export function faultInfo(signal: number, code: number, address: number): SignalInfo {
  return info(signal, code, (view) => {
    view.setBigInt64(16, BigInt(address), true);
  });
}

export function timerInfo(signal: number, id: number, value: bigint): SignalInfo {
  return info(signal, SI.TIMER, (view) => {
    view.setInt32(16, id, true);
    view.setBigUint64(24, value, true);
  });
}

/** Sets si_overrun of a timer's signal. */
export function setOverrun({ bytes }: SignalInfo, count: number): void {
  new DataView(bytes.buffer).setInt32(20, count, true);
}

/** As the guest gives it to rt_sigqueueinfo: all but si_signo is its own. */
export function queuedInfo(signal: number, given: Uint8Array): SignalInfo {
  const bytes = given.slice(0, SIGINFO_BYTES);
  new DataView(bytes.buffer).setInt32(0, signal, true);
  return { signal, bytes };
}

/** Values of `si_code` of SIGCHLD. */
export const CLD = { EXITED: 1, KILLED: 2, STOPPED: 5, CONTINUED: 6 } as const;

/** @param code what has become of the child, of CLD */
export function childInfo(
  signal: number,
  code: number,
  { pid, uid, status }: Sender & { readonly status: number },
): SignalInfo {
  return info(signal, code, (view) => {
    view.setInt32(16, pid, true);
    view.setUint32(20, uid, true);
    view.setInt32(24, status, true);
  });
}

/** `si_code` of a signal. */
export function signalCode({ bytes }: SignalInfo): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(8, true);
}
