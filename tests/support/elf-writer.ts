/** One PT_LOAD segment. */
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly writable: boolean;
  readonly executable: boolean;
}

const PAGE = 4096;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/**
 * The smallest static ELF64 for RISC-V that Linux and QEMU load: a header, program headers, and the segments'
 * bytes, each at an offset that agrees with its address modulo the page size.
 */
export function writeElf(entry: number, segments: readonly Segment[]): Uint8Array<ArrayBuffer> {
  let end = HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length;
  const offsets = segments.map(({ address, bytes }) => {
    const offset = Math.ceil(end / PAGE) * PAGE + (address % PAGE);
    end = offset + bytes.length;
    return offset;
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 243, true); // EM_RISCV
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint32(48, 5, true); // RVC, double-float ABI
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PROGRAM_HEADER_BYTES, true);
  view.setUint16(56, segments.length, true);
  segments.forEach(({ address, bytes, writable, executable }, i) => {
    const at = HEADER_BYTES + PROGRAM_HEADER_BYTES * i;
    view.setUint32(at, 1, true); // PT_LOAD
    view.setUint32(at + 4, 4 | (writable ? 2 : 0) | (executable ? 1 : 0), true);
    view.setBigUint64(at + 8, BigInt(offsets[i]), true);
    view.setBigUint64(at + 16, BigInt(address), true);
    view.setBigUint64(at + 24, BigInt(address), true);
    view.setBigUint64(at + 32, BigInt(bytes.length), true);
    view.setBigUint64(at + 40, BigInt(bytes.length), true);
    view.setBigUint64(at + 48, BigInt(PAGE), true);
    file.set(bytes, offsets[i]);
  });
  return file;
}
