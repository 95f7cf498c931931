import { EXECUTE, READ, WRITE, type AddressSpace } from '../memory/address-space';
import { PAGE_SIZE } from '../memory/layout';
import { pageRuns } from '../memory/page-runs';
import type { FileMapping } from './file-mappings';

/** A name for a part that is no file. */
export interface NamedArea {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** Pages in a row that Linux would have one vm_area_struct for: [start, end). */
export interface Area {
  readonly start: number;
  readonly end: number;
  /** READ, WRITE, EXECUTE or'ed together. */
  readonly protection: number;
  readonly file: FileMapping | undefined;
  /** Of a part that is no file; empty: it has none. */
  readonly name: string;
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/** Finds which of some parts, which do not overlap, an address is in; addresses come in ascending order. */
class Cursor<T extends Part> {
  private readonly parts: readonly T[];
  private next = 0;

  constructor(parts: readonly T[]) {
    this.parts = parts.toSorted((a, b) => a.start - b.start);
  }

  /** The part that the address is in, and where that or, outside of any, the way to the next one ends. */
  at(address: number): { readonly part: T | undefined; readonly end: number } {
    const { parts } = this;
    while (this.next < parts.length && parts[this.next].end <= address) this.next += 1;
    const part: T | undefined = parts[this.next];
    if (part === undefined) return { part, end: Infinity };
    return part.start <= address ? { part, end: part.end } : { part: undefined, end: part.start };
  }
}

/** The areas of a space, in ascending order: neighbours differ in what they may do or show. */
export function areasOf(
  space: AddressSpace,
  mappings: readonly FileMapping[],
  named: readonly NamedArea[],
): readonly Area[] {
  const areas: Area[] = [];
  const files = new Cursor(mappings);
  const names = new Cursor(named);
  for (const { page, count, protection, state } of pageRuns(space)) {
    const end = (page + count) * PAGE_SIZE;
    for (let start = page * PAGE_SIZE; start < end;) {
      const file = files.at(start);
      const name = names.at(start);
      const stop = Math.min(end, file.end, name.end);
      const area = {
        ...{ start, end: stop, file: file.part, name: name.part?.name ?? '' },
        protection: state === 'guard' ? 0 : protection,
      };
      const last = areas.at(-1);
      if (last && continues(last, area)) areas[areas.length - 1] = { ...area, start: last.start };
      else areas.push(area);
      start = stop;
    }
  }
  return areas;
}

function continues(a: Area, b: Area): boolean {
  if (a.end !== b.start || a.protection !== b.protection) return false;
  return a.file === b.file && a.name === b.name;
}

/** The text of /proc/self/maps (proc_pid_maps(5)). */
export function mapsText(areas: readonly Area[]): string {
  return areas.map(mapsLine).join('');
}

function mapsLine({ start, end, protection, file, name }: Area): string {
  const number = (value: number, width: number): string => value.toString(16).padStart(width, '0');
  const letter = (bit: number, each: string): string => ((protection & bit) === 0 ? '-' : each);
  const rights = letter(READ, 'r') + letter(WRITE, 'w') + letter(EXECUTE, 'x');
  const { offset = 0, device = 0, inode = 0, shared, start: first = 0 } = file ?? {};
  const from = file === undefined ? 0 : offset + start - first;
  const head =
    `${number(start, 8)}-${number(end, 8)} ${rights}${shared === undefined ? 'p' : 's'} ${number(from, 8)} ` +
    `${number(device >>> 8, 2)}:${number(device & 0xff, 2)} ${inode}`;
  const path = file?.path ?? name;
  return path === '' ? `${head} \n` : `${head.padEnd(72)} ${path}\n`;
}
