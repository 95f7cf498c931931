import type { InputStream, OutputStream, StandardStreams } from '../../emulator/linux/streams';

/** Standard streams that keep what the program writes. */
export class CapturedStreams implements StandardStreams {
  private readonly chunks: Uint8Array[] = [];
  readonly stdin: InputStream = {
    isTerminal: false,
    read: (max) => {
      const part = this.input.subarray(0, max);
      this.input = this.input.subarray(part.length);
      return part.length === 0 ? 'eof' : part;
    },
  };
  readonly stdout: OutputStream = {
    isTerminal: false,
    write: (bytes) => {
      this.chunks.push(bytes);
      return bytes.length;
    },
  };
  readonly stderr = this.stdout;
  private input: Uint8Array;

  /** @param input what the program reads [nothing] */
  constructor(input = '') {
    this.input = Buffer.from(input);
  }

  /** All output so far, both streams in order. */
  text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}
