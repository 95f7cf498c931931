import type { ProcessInfo } from '../../../emulator/debug/protocol';

/** A process, and how many of its ancestors are shown above it. */
export interface ProcessRow {
  readonly process: ProcessInfo;
  readonly depth: number;
}

/** Each process below its parent, children in the order of their making. */
export function inOrder(processes: readonly ProcessInfo[]): readonly ProcessRow[] {
  const known = new Set(processes.map(({ pid }) => pid));
  const rows: ProcessRow[] = [];
  const add = (process: ProcessInfo, depth: number): void => {
    rows.push({ process, depth });
    for (const child of processes) if (child.parent === process.pid) add(child, depth + 1);
  };
  for (const process of processes) if (!known.has(process.parent)) add(process, 0);
  return rows;
}
