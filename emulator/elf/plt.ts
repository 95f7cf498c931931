import { SHT_DYNSYM, SHT_RELA, STB_LOCAL, STT_FUNC, SYM_SIZE } from './format';
import type { ElfReader } from './reader';
import { nameBudget, sectionBytes, type ElfSection, type ElfSymbol } from './sections';
import { StringTable } from './strings';

/** Bytes before the first stub, and of a stub (RISC-V psABI, "Procedure Linkage Table"). */
const HEADER_BYTES = 32;
const STUB_BYTES = 16;
/** `Elf64_Rela`: offset, info, addend; the symbol's index is the upper half of info. */
const RELA_BYTES = 24;
const RELA_SYMBOL = 12;

/** What follows a function's name in the name of the stub that jumps to it, as in objdump and gdb. */
export const PLT_SUFFIX = '@plt';

/**
 * The stubs that a dynamic program calls functions of shared libraries through, as symbols: `printf@plt`. The file has
 * no symbols for them; they are in the order of the relocations of .rela.plt.
 */
export function readPltSymbols(reader: ElfReader, sections: readonly ElfSection[]): ElfSymbol[] {
  const stubs = sections.find(({ name }) => name === '.plt');
  const relocations = sections.find(({ name, type }) => name === '.rela.plt' && type === SHT_RELA);
  const table = sections.find(
    ({ index, type }) => index === relocations?.link && type === SHT_DYNSYM,
  );
  const strings = sections.find(({ index }) => index === table?.link);
  if (!stubs || !relocations || !table || !strings) return [];
  const names = new StringTable(sectionBytes(reader.bytes, strings));
  const symbolCount = Math.floor(table.size / SYM_SIZE);
  const room = Math.floor((stubs.size - HEADER_BYTES) / STUB_BYTES);
  const count = Math.min(room, Math.floor(relocations.size / RELA_BYTES));
  const found: ElfSymbol[] = [];
  let budget = nameBudget(names);
  for (let n = 0; n < count; n++) {
    const index = reader.u32(relocations.offset + n * RELA_BYTES + RELA_SYMBOL, 'r_info');
    if (index >= symbolCount) continue;
    const text = names.at(reader.u32(table.offset + index * SYM_SIZE, 'st_name'));
    if ('problem' in text || text.name === '') continue;
    budget -= text.name.length;
    if (budget < 0) break;
    found.push({
      name: text.name + PLT_SUFFIX,
      value: stubs.address + HEADER_BYTES + n * STUB_BYTES,
      size: STUB_BYTES,
      type: STT_FUNC,
      binding: STB_LOCAL,
      section: stubs.index,
    });
  }
  return found;
}
