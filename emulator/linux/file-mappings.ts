import type { AddressSpace } from '../memory/address-space';
import { ENTRY_FRAME_SHIFT } from '../memory/arena-layout';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory/layout';
import { ENTRY } from '../memory/page-entry';
import { areasOf, type Area, type NamedArea } from './area-list';
import type { RegularFile, SharedView } from './files/regular-file';

/** What of a file lies in memory: whole pages, [start, end). */
export interface FileMapping {
  readonly start: number;
  readonly end: number;
  /** Offset in the file of the byte at `start`. */
  readonly offset: number;
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** The open file that is shown, and that stores go to when it is open for writing (MAP_SHARED). */
  readonly shared?: RegularFile;
}

/**
 * Which files are mapped where: for /proc/self/maps, and to bring stores into files that are mapped
 * with MAP_SHARED. Their pages are memory like any other, in frames that all shared mappings of a page of the file
 * have in common; the file gets them when somebody reads it, with msync, and when the mapping ends.
 */
export class FileMappings {
  private mappings: FileMapping[] = [];
  private readonly views = new Map<FileMapping, SharedView>();

  constructor(private readonly space: AddressSpace) {}

  /** Notes a mapping in place of what was there. */
  add(mapping: FileMapping): void {
    this.remove(mapping.start, mapping.end);
    this.insert(mapping);
  }

  /** Forgets a range, whose stores go to its file first. Called before the pages are unmapped. */
  remove(start: number, end: number): void {
    const hit = this.mappings.filter((m) => m.start < end && m.end > start);
    for (const mapping of hit) {
      this.store(mapping);
      this.drop(mapping);
      if (mapping.start < start) this.insert({ ...mapping, end: start });
      if (mapping.end > end) {
        this.insert({ ...mapping, start: end, offset: mapping.offset + end - mapping.start });
      }
      mapping.shared?.release();
    }
  }

  /** Moves what is noted of a range (mremap). */
  move(from: number, length: number, to: number): void {
    const moved = this.mappings.filter((m) => m.start < from + length && m.end > from);
    const parts = moved.map((m) => {
      const start = Math.max(m.start, from);
      const end = Math.min(m.end, from + length);
      m.shared?.retain();
      return {
        ...m,
        start: start - from + to,
        end: end - from + to,
        offset: m.offset + start - m.start,
      };
    });
    this.remove(from, from + length);
    for (const part of parts) {
      this.add(part);
      part.shared?.release();
    }
  }

  /** The file that is shared at an address, and the offset in it of the byte there. */
  sharedAt(address: number): { readonly file: RegularFile; readonly offset: number } | undefined {
    const { shared: file, offset = 0, start = 0 } = this.at(address) ?? {};
    return file && { file, offset: offset + address - start };
  }

  /** What is mapped, in ascending order. */
  list(): readonly Pick<FileMapping, 'start' | 'end' | 'offset' | 'path'>[] {
    return [...this.mappings].sort((a, b) => a.start - b.start);
  }

  /** Brings the stores of a range to their files (msync). */
  sync(start: number, end: number): void {
    for (const mapping of this.mappings) {
      if (mapping.start < end && mapping.end > start) this.store(mapping);
    }
  }

  /** The process ends: its stores are not lost. */
  end(): void {
    this.remove(0, Infinity);
  }

  /** Notes what another process's mappings are: the address space is a fork of theirs. */
  copyFrom({ mappings }: FileMappings): void {
    for (const mapping of mappings) this.insert(mapping);
  }

  /** The process's areas in ascending order, as /proc/self/maps lists them. */
  areas(named: readonly NamedArea[] = []): readonly Area[] {
    return areasOf(this.space, this.mappings, named);
  }

  /** Whether both pages show the same file mapping, or none. */
  areAlike(a: number, b: number): boolean {
    return this.at(a) === this.at(b);
  }

  private at(address: number): FileMapping | undefined {
    return this.mappings.find(({ start, end }) => start <= address && address < end);
  }

  private insert(mapping: FileMapping): void {
    this.mappings.push(mapping);
    const { shared } = mapping;
    if (shared === undefined) return;
    shared.retain();
    const view: SharedView = {
      store: () => this.store(mapping),
      load: (position, bytes, shown) => this.load(mapping, position, bytes, shown),
      frameAt: (position) => this.frameAt(mapping, position),
    };
    this.views.set(mapping, view);
    shared.views.add(view);
  }

  private drop(mapping: FileMapping): void {
    this.mappings = this.mappings.filter((other) => other !== mapping);
    const view = this.views.get(mapping);
    if (view !== undefined) mapping.shared?.views.delete(view);
    this.views.delete(mapping);
  }

  /** Writes the pages that may have been written to back to the file. */
  private store(mapping: FileMapping): void {
    const { shared, start, end, offset } = mapping;
    if (shared?.canWrite !== true || !this.views.has(mapping)) return;
    for (let page = start >>> PAGE_SHIFT; page < end / PAGE_SIZE; page++) {
      const entry = this.space.entry(page);
      const isWritten = (entry & (ENTRY.dirty | ENTRY.shared)) !== 0;
      const frame = entry >>> ENTRY_FRAME_SHIFT;
      if (frame === 0 || !isWritten) continue;
      const at = page * PAGE_SIZE;
      shared.storeFrom(frame, this.space.peek(at, PAGE_SIZE), offset + at - start);
    }
  }

  private load(
    { start, end, offset }: FileMapping,
    position: number,
    bytes: Uint8Array,
    shown: Set<number>,
  ): void {
    const to = Math.min(position + bytes.length, offset + end - start);
    for (let from = Math.max(position, offset); from < to;) {
      const next = Math.min(to, (Math.floor(from / PAGE_SIZE) + 1) * PAGE_SIZE);
      const at = start + from - offset;
      // Once for each frame: a second time would undo what harts have stored since.
      const frame = this.space.entry(at >>> PAGE_SHIFT) >>> ENTRY_FRAME_SHIFT;
      if (!shown.has(frame)) this.space.poke(at, bytes.subarray(from - position, next - position));
      if (frame !== 0) shown.add(frame);
      from = next;
    }
  }

  private frameAt({ start, end, offset }: FileMapping, position: number): number {
    const at = start + position - offset;
    const entry = start <= at && at < end ? this.space.entry(at >>> PAGE_SHIFT) : 0;
    return (entry & ENTRY.shared) === 0 ? 0 : entry >>> ENTRY_FRAME_SHIFT;
  }
}
