/** Exit statuses that the command line gives of its own; a guest's own status passes through. */
export const STATUS = {
  /** A file that cannot be read or is no RISC-V program (`disasm`, `info`). */
  failed: 1,
  /** Wrong use: an unknown option, a missing argument, a value out of range. */
  usage: 2,
  /** `run --race-check --fail-on-race` has found some, as ThreadSanitizer says it. */
  races: 66,
  /** `run --max-instructions` has ended the guest, as timeout(1) says it. */
  limit: 124,
  /** `run`: the file is there but cannot be run, as a shell says it. */
  notExecutable: 126,
  /** `run`: there is no such file, as a shell says it. */
  notFound: 127,
  /** A guest killed by signal n ends with 128 + n. */
  signalBase: 128,
} as const;

/** Ends the command with one line on standard error and a status. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly status: number = STATUS.failed,
  ) {
    super(message);
  }
}

/** Nobody reads the command's own output any more: it ends without a word, as by SIGPIPE. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export function usageError(message: string): CommandError {
  return new CommandError(message, STATUS.usage);
}

/** What Node says of a failed file operation, without its code and path: `no such file or directory`. */
export function describeSystemError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z0-9]+: (.+?)(?:, \w+(?: '.*)?)?$/s.exec(error.message)?.[1] ?? error.message;
}

/** `ENOENT` of a failed file operation. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
