/** Two views of a page, side by side: the lines of 16 bytes in which they differ. */
import type { MemoryBlock } from '../../../emulator/debug/protocol';

const LINE_BYTES = 16;

export interface DiffByte {
  /** Two digits; blanks where there is nothing to read. */
  readonly text: string;
  readonly differs: boolean;
}

export interface DiffLine {
  readonly address: number;
  readonly left: readonly DiffByte[];
  readonly right: readonly DiffByte[];
}

export interface PageDiff {
  readonly lines: readonly DiffLine[];
  readonly differing: number;
}

/** The bytes of a block; undefined where it has a hole. */
function bytesOf({ address, bytes, holes }: MemoryBlock): (number | undefined)[] {
  const values: (number | undefined)[] = [...bytes];
  for (const { start, end } of holes) {
    values.fill(undefined, Math.max(0, start - address), Math.max(0, end - address));
  }
  return values;
}

/** Both blocks begin at the same address and are equally long. */
export function diffBlocks(left: MemoryBlock, right: MemoryBlock): PageDiff {
  const [a, b] = [bytesOf(left), bytesOf(right)];
  const lines: DiffLine[] = [];
  let differing = 0;
  const side = (
    own: readonly (number | undefined)[],
    other: readonly (number | undefined)[],
    at: number,
  ): DiffByte[] =>
    own.slice(at, at + LINE_BYTES).map((value, i) => ({
      text: value?.toString(16).padStart(2, '0') ?? '  ',
      differs: value !== other[at + i],
    }));
  for (let at = 0; at < a.length; at += LINE_BYTES) {
    const line = { address: left.address + at, left: side(a, b, at), right: side(b, a, at) };
    const count = line.left.filter(({ differs }) => differs).length;
    if (count === 0) continue;
    differing += count;
    lines.push(line);
  }
  return { lines, differing };
}
