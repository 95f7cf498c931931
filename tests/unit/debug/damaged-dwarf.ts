import { readFileSync } from 'node:fs';
import { SourceDebugger } from '../../../emulator/debug/source-debugger';
import { UnavailableError } from '../../../emulator/elf/dwarf/expression';
import { DwarfError } from '../../../emulator/elf/dwarf/reader';
import { PT_LOAD } from '../../../emulator/elf/format';
import { parseElf, type ElfImage } from '../../../emulator/elf/parse';
import { ExpressionError } from '../../../emulator/debug/expression-tokens';
import type { Hart } from '../../../emulator/multiprocess/hart';
import { generator, NASTY } from '../elf/mutate';

const GUESTS = ['hello', 'mp-dot', 'mp-primes', 'glibc-hello'];
const STACK = 0x2000_0000;

interface Original {
  readonly bytes: Uint8Array;
  /** Where the debugging information lies in the file. */
  readonly sections: readonly { readonly offset: number; readonly size: number }[];
  readonly functions: readonly number[];
}

function read(name: string): Original {
  const bytes = new Uint8Array(
    readFileSync(new URL(`../../../guests/bin/${name}.elf`, import.meta.url)),
  );
  const image = parseElf(bytes);
  const sections = image.sections.filter(({ name: section }) =>
    /^\.(debug_|eh_frame)/.test(section),
  );
  const functions = image.symbols
    .filter(({ type, size }) => type === 2 && size > 8)
    .map(({ value, size }) => value + Math.floor(size / 4) * 2);
  return { bytes, sections, functions };
}

/** The file with some bytes of its debugging information changed. */
function damage(original: Original, random: (below: number) => number): Uint8Array {
  const file = Uint8Array.from(original.bytes);
  for (let changes = 1 + random(8); changes > 0; changes--) {
    const { offset, size } = original.sections[random(original.sections.length)];
    if (size < 16) continue;
    const at = offset + random(size - 8);
    const view = new DataView(file.buffer);
    switch (random(4)) {
      case 0:
        file[at] = random(256);
        break;
      case 1:
        file[at] ^= 1 << random(8);
        break;
      case 2:
        view.setBigUint64(at, NASTY[random(NASTY.length)], true);
        break;
      default:
        file.copyWithin(at, offset + random(size), offset + random(size));
        file.fill(random(256), at, Math.min(at + random(16), offset + size));
    }
  }
  return file;
}

/** A hart that stands in the middle of a function, with nothing but plausible words on its stack. */
function hartAt(pc: number, image: ElfImage): Hart {
  const peek = (address: number, size: number): Uint8Array => {
    const segment = image.segments.find(
      ({ type, address: start, fileSize }) =>
        type === PT_LOAD && address >= start && address + size <= start + fileSize,
    );
    if (segment) {
      const at = segment.offset + address - segment.address;
      return image.bytes.subarray(at, at + size);
    }
    return address >= STACK && address < STACK + 65536
      ? Uint8Array.from({ length: size }, (_, i) => [pc & 0xff, pc >> 8, pc >> 16, 0][i % 8] ?? 0)
      : new Uint8Array(0);
  };
  const state = { pc, x: (n: number) => BigInt(n === 2 ? STACK : STACK + 64 * n), f: () => 0n };
  return { index: 0, state, space: { peek } } as unknown as Hart;
}

/** Asks everything about one damaged file that the debugger asks. */
function askEverything(
  file: Uint8Array,
  functions: readonly number[],
  random: (n: number) => number,
) {
  const image = parseElf(file);
  const source = new SourceDebugger(() => [{ path: 'damaged', image, base: 0 }]);
  const files = source.lookup.sources();
  const [first] = files;
  if (first) {
    source.lookup.linesWithCode(first.path);
    source.lookup.breakpointLocations(first.path, 1 + random(60));
  }
  for (let i = 0; i < 4; i++) {
    const pc = functions[random(functions.length)];
    source.lookup.rangesOfLine(pc);
    source.lookup.bodyStart(pc);
    const hart = hartAt(pc, image);
    for (const frame of source.frames(hart, 20)) {
      for (const { value } of source.variables(frame)) source.text(value, hart);
    }
    try {
      source.evaluate('options', hart);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
  }
}

/**
 * Looks at `count` programs with damaged debugging information as a debugger does. Fails when anything but a
 * `DwarfError` or `UnavailableError` comes out; what hangs the reader hangs the test.
 */
export function fuzzDwarf(count: number, seed: number): { clean: number; refused: number } {
  const random = generator(seed);
  const originals = GUESTS.map(read);
  const result = { clean: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    const original = originals[random(originals.length)];
    try {
      askEverything(damage(original, random), original.functions, random);
      result.clean++;
    } catch (error) {
      if (!(error instanceof DwarfError || error instanceof UnavailableError)) {
        throw new Error(`seed ${seed}, file ${i}`, { cause: error });
      }
      result.refused++;
    }
  }
  return result;
}
