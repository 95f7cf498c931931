/**
 * Reads the target architecture string out of a `.riscv.attributes` section (RISC-V ELF psABI,
 * "Attributes"): version 'A', then for each vendor a length, a name and sub-sections of tagged values.
 * Even tags hold a ULEB128 number, odd tags a NUL-terminated string.
 */
const TAG_FILE = 1;
const TAG_ARCH = 5;

/** @returns for example `rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0`, or undefined when there is none. */
export function architectureString(section: Uint8Array): string | undefined {
  if (section[0] !== 0x41) return undefined;
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  let at = 1;
  while (at + 4 <= section.length) {
    const vendorEnd = at + view.getUint32(at, true);
    if (vendorEnd <= at + 4 || vendorEnd > section.length) return undefined;
    const name = cString(section, at + 4, vendorEnd);
    if (name === undefined) return undefined;
    if (name.text === 'riscv') {
      const found = archInVendor(section, view, name.end, vendorEnd);
      if (found !== undefined) return found;
    }
    at = vendorEnd;
  }
  return undefined;
}

function archInVendor(
  section: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): string | undefined {
  let at = start;
  while (at + 5 <= end) {
    const subEnd = at + view.getUint32(at + 1, true);
    if (subEnd <= at + 5 || subEnd > end) return undefined;
    if (section[at] === TAG_FILE) {
      const found = archInFile(section, at + 5, subEnd);
      if (found !== undefined) return found;
    }
    at = subEnd;
  }
  return undefined;
}

function archInFile(section: Uint8Array, start: number, end: number): string | undefined {
  let at = start;
  while (at < end) {
    const tag = uleb(section, at, end);
    if (tag === undefined) return undefined;
    at = tag.end;
    if (tag.value % 2 === 1) {
      const text = cString(section, at, end);
      if (text === undefined) return undefined;
      if (tag.value === TAG_ARCH) return text.text;
      at = text.end;
    } else {
      const value = uleb(section, at, end);
      if (value === undefined) return undefined;
      at = value.end;
    }
  }
  return undefined;
}

function cString(
  bytes: Uint8Array,
  start: number,
  end: number,
): { text: string; end: number } | undefined {
  const nul = bytes.subarray(0, end).indexOf(0, start);
  if (nul < 0) return undefined;
  return { text: new TextDecoder().decode(bytes.subarray(start, nul)), end: nul + 1 };
}

function uleb(
  bytes: Uint8Array,
  start: number,
  end: number,
): { value: number; end: number } | undefined {
  let value = 0;
  for (let at = start, weight = 1; at < end && at < start + 7; at++, weight *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * weight;
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
