/**
 * Signal numbers of Linux on RISC-V (include/uapi/asm-generic/signal.h) and what a signal does to a
 * process that has not asked otherwise (signal(7)).
 */
export const SIGNAL = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

type SignalName = keyof typeof SIGNAL;

/** Signals are numbered 1 to 64; from 32 on they are the real-time signals. */
export const MAX_SIGNAL = 64;
export const SIGRTMIN = 32;

const names = new Map<number, string>(
  (Object.keys(SIGNAL) as SignalName[]).map((name) => [SIGNAL[name], name]),
);

/** `SIGSEGV`, `SIGRTMIN+2` … */
export function signalName(signal: number): string {
  const name = names.get(signal);
  if (name !== undefined) return name;
  if (signal < SIGRTMIN || signal > MAX_SIGNAL) return `signal ${signal}`;
  return signal === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${signal - SIGRTMIN}`;
}

export type DefaultAction = 'terminate' | 'ignore' | 'stop' | 'continue';

const IGNORED: readonly number[] = [SIGNAL.SIGCHLD, SIGNAL.SIGURG, SIGNAL.SIGWINCH];
const STOPPING: readonly number[] = [
  SIGNAL.SIGSTOP,
  SIGNAL.SIGTSTP,
  SIGNAL.SIGTTIN,
  SIGNAL.SIGTTOU,
];

export function defaultAction(signal: number): DefaultAction {
  if (IGNORED.includes(signal)) return 'ignore';
  if (STOPPING.includes(signal)) return 'stop';
  return signal === SIGNAL.SIGCONT ? 'continue' : 'terminate';
}
