import type { OutputStream, StandardStreams } from '../../emulator/linux/streams';

/** Standard streams without input that keep what the program writes. */
export class CapturedStreams implements StandardStreams {
  private readonly chunks: Uint8Array[] = [];
  readonly stdin = { isTerminal: false, read: (): 'eof' => 'eof' };
  readonly stdout: OutputStream = {
    isTerminal: false,
    write: (bytes) => {
      this.chunks.push(bytes);
      return bytes.length;
    },
  };
  readonly stderr = this.stdout;

  /** All output so far, both streams in order. */
  text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}
