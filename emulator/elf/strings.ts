import { hex } from './reader';

/**
 * A string table section: NUL-terminated names found by their offset. The ends of the names are found
 * once, so that a hostile table without NULs costs no more than an honest one.
 */
export class StringTable {
  private readonly text: string;
  private readonly ends: number[] = [];

  constructor(private readonly bytes: Uint8Array) {
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    for (let end = this.text.indexOf('\0'); end >= 0; end = this.text.indexOf('\0', end + 1)) {
      this.ends.push(end);
    }
  }

  /** Length of the table in bytes. */
  get length(): number {
    return this.bytes.length;
  }

  /** The name at `offset`, or a description of the fault when the table holds none there. */
  at(offset: number): { readonly name: string } | { readonly problem: string } {
    if (offset === 0 && this.length === 0) return { name: '' };
    if (offset >= this.length) {
      return {
        problem: `name offset ${hex(offset)} is beyond the string table's ${hex(this.length)}`,
      };
    }
    const end = this.endAfter(offset);
    if (end === undefined) return { problem: `the name at ${hex(offset)} has no end` };
    return { name: this.decode(offset, end) };
  }

  private decode(start: number, end: number): string {
    const name = this.text.slice(start, end);
    // Latin-1 and UTF-8 agree on ASCII, which nearly every name is.
    for (let i = 0; i < name.length; i++) {
      if (name.charCodeAt(i) > 127) {
        return new TextDecoder().decode(this.bytes.subarray(start, end));
      }
    }
    return name;
  }

  /** The first NUL at or after `offset`, by binary search. */
  private endAfter(offset: number): number | undefined {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return this.ends[low];
  }
}
