import { READ, WRITE, type AddressSpace } from '../../memory/address-space';
import { ENTRY_FRAME_SHIFT } from '../../memory/arena-layout';
import { PAGE_SIZE } from '../../memory/layout';
import type { FileMappings } from '../file-mappings';
import type { OpenFile } from '../files/open-file';
import { RegularFile } from '../files/regular-file';
import type { PageRange } from './page-range';

/** What of a file is mapped. */
interface FilePart {
  readonly file: OpenFile;
  readonly offset: number;
  readonly content: Uint8Array;
  readonly shared: boolean;
}

/**
 * Maps pages that begin with the content of a file. Those of a shared mapping are in the frames that other shared
 * mappings of the file have already.
 * @returns false when there is no memory for it
 */
export function mapFile(
  space: AddressSpace,
  { start, length }: PageRange,
  protection: number,
  { file, offset, content, shared }: FilePart,
): boolean {
  const frameAt = (page: number): number =>
    shared && file instanceof RegularFile ? file.frameAt(offset + page * PAGE_SIZE - start) : 0;
  space.map(start, length, READ | WRITE, { shared, frameAt });
  for (let done = 0; done < content.length; done += PAGE_SIZE) {
    const page = (start + done) / PAGE_SIZE;
    const frame = space.entry(page) >>> ENTRY_FRAME_SHIFT;
    if (frame !== 0 && frame === frameAt(page)) continue;
    const part = content.subarray(done, done + PAGE_SIZE);
    if (space.write(start + done, part) < part.length) {
      space.unmap(start, length);
      return false;
    }
  }
  space.protect(start, length, protection);
  return true;
}

/** Notes which file the pages show. */
export function noteFile(
  mappings: FileMappings,
  { start, length }: PageRange,
  file: OpenFile,
  offset: number,
  isShared: boolean,
): void {
  const { inode, fileSystem: device = 0 } = file.status();
  const shared = isShared && file instanceof RegularFile ? file : undefined;
  const { path } = file;
  mappings.add({ start, end: start + length, offset, path, device, inode, shared });
}
