import { ERRNO } from '../abi/errno';
import { OpenFile, type ReadResult } from './open-file';

/** An open file with a length and a position: reads move it on, lseek moves it anywhere. */
export abstract class SeekableFile extends OpenFile {
  /** Bytes it has now. */
  protected abstract length(): number;

  abstract override readAt(max: number, position: number): ReadResult;

  override read(max: number): ReadResult {
    const piece = this.readAt(max, this.position);
    if (piece instanceof Uint8Array) this.position += piece.length;
    return piece;
  }

  /** SEEK_SET, SEEK_CUR and SEEK_END (lseek(2)); a position may lie behind the end. */
  override seek(offset: bigint, whence: number): bigint | number {
    const bases = [0, this.position, this.length()];
    const base = bases[whence];
    if (base === undefined) return -ERRNO.EINVAL;
    const target = BigInt(base) + offset;
    if (target < 0n || target > BigInt(Number.MAX_SAFE_INTEGER)) return -ERRNO.EINVAL;
    this.position = Number(target);
    return target;
  }
}
