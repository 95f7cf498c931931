import { ERRNO } from '../../../emulator/linux/abi/errno';
import type { InputStream, OutputStream } from '../../../emulator/linux/streams';
import type { Host, HostStreams } from '../../../cli/host';
import type { LineReader } from '../../../cli/line-reader';
import { main } from '../../../cli/main';

/** How a command ended and what it printed. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

interface Surroundings {
  readonly input?: string | Uint8Array;
  /** Standard output takes so many bytes; then its reader has gone. */
  readonly closesAfter?: number;
  /** Is told what goes to standard error. */
  readonly onError?: (text: string) => void;
}

/** Runs the command line in this process, with its streams in memory. */
export async function hartscope(
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<CommandResult> {
  const host = new MemoryHost(surroundings);
  const status = await main(args, host);
  return { status, stdout: Buffer.concat(host.stdout), stderr: Buffer.concat(host.stderr) };
}

class MemoryHost implements Host {
  readonly stdout: Uint8Array[] = [];
  readonly stderr: Uint8Array[] = [];

  constructor(private readonly surroundings: Surroundings) {}

  out(text: string): void {
    this.stdout.push(Buffer.from(text));
  }

  err(text: string): void {
    this.stderr.push(Buffer.from(text));
    this.surroundings.onError?.(text);
  }

  flush(): void {
    // Nothing is held back.
  }

  openLines(): LineReader {
    const { input = '' } = this.surroundings;
    const lines = Buffer.from(input).toString().split('\n');
    return {
      isTerminal: false,
      next: () => Promise.resolve(lines.shift()),
      close: () => undefined,
    };
  }

  openStreams(): HostStreams {
    const { input = '', closesAfter = Infinity } = this.surroundings;
    return {
      stdin: bytesInput(Buffer.from(input)),
      stdout: collector(this.stdout, closesAfter),
      stderr: collector(this.stderr, Infinity),
      close: () => undefined,
    };
  }
}

function bytesInput(bytes: Uint8Array): InputStream {
  let at = 0;
  return {
    isTerminal: false,
    read: (max) => {
      const part = bytes.slice(at, at + max);
      at += part.length;
      return part.length === 0 ? 'eof' : part;
    },
  };
}

function collector(parts: Uint8Array[], limit: number): OutputStream {
  let taken = 0;
  return {
    isTerminal: false,
    write: (bytes) => {
      if (taken >= limit) return -ERRNO.EPIPE;
      parts.push(bytes);
      taken += bytes.length;
      return bytes.length;
    },
  };
}
