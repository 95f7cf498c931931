// A reader for zip archives. Source: PKWARE APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (central directory)
// and 4.3.16 (end of central directory). Neither zip64 nor encryption.
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { inflateRawSync } from 'node:zlib';

const DEFLATED = 8;
/** The end record is 22 bytes and a comment of at most 65,535. */
const LONGEST_END = 22 + 65_535;

/**
 * @param {string} file
 * @param {(name: string) => string | null} place where a file goes, or null to leave it out
 */
export function unzip(file, place) {
  const fd = openSync(file, 'r');
  try {
    const directory = readDirectory(fd, statSync(file).size);
    for (let p = 0; p < directory.length;) {
      const method = directory.readUInt16LE(p + 10);
      const packed = directory.readUInt32LE(p + 20);
      const nameLength = directory.readUInt16LE(p + 28);
      const rest = directory.readUInt16LE(p + 30) + directory.readUInt16LE(p + 32);
      const mode = directory.readUInt32LE(p + 38) >>> 16;
      const header = directory.readUInt32LE(p + 42);
      const name = directory.toString('utf8', p + 46, p + 46 + nameLength);
      p += 46 + nameLength + rest;
      const target = name.endsWith('/') ? null : place(name);
      if (target === null) continue;
      const local = read(fd, header, 30);
      const body = read(fd, header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28), packed);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, method === DEFLATED ? inflateRawSync(body) : body);
      if (mode & 0o111) chmodSync(target, 0o755);
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * @param {number} fd
 * @param {number} size
 */
function readDirectory(fd, size) {
  const length = Math.min(size, LONGEST_END);
  const tail = read(fd, size - length, length);
  const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('not a zip archive: no end of central directory');
  return read(fd, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
}

/**
 * @param {number} fd
 * @param {number} at
 * @param {number} length
 */
function read(fd, at, length) {
  const bytes = Buffer.alloc(length);
  if (readSync(fd, bytes, 0, length, at) !== length)
    throw new Error(`zip archive cut off at ${at}`);
  return bytes;
}
