import fc from 'fast-check';
import { decode, type Instruction } from '../../../emulator/isa';
import { parsePattern, writeField, type Field } from '../../../emulator/isa/pattern';

/** Fields that assembly does not write: they are ignored, or zero where the operation is exact. */
const UNWRITTEN: Readonly<Record<string, readonly string[] | undefined>> = {
  fence: ['fm', 'rs1', 'rd'],
  'fence.i': ['imm', 'rs1', 'rd'],
  'fcvt.d.s': ['rm'],
  'fcvt.d.w': ['rm'],
  'fcvt.d.wu': ['rm'],
  'fcvt.s.h': ['rm'],
  'fcvt.d.h': ['rm'],
};

/** Any value of a field: often all zeros, all ones, or a small number. */
function anyBits(field: Field): fc.Arbitrary<number> {
  const highest = 2 ** Math.min(field.width, 31) - 1;
  const bits = fc.oneof(
    fc.constantFrom(0, -1, 1, 2, -2),
    fc.integer({ min: -highest - 1, max: highest }),
  );
  return bits.map((value) => writeField(field, field.compact ? value + 8 : value));
}

/** Any word that decodes to this row of the table, with all that assembly can write in it. */
export function anyWordOf(row: Instruction): fc.Arbitrary<number> {
  const pattern = parsePattern(row.pattern);
  const fields = pattern.fields.filter(({ name }) => !UNWRITTEN[row.name]?.includes(name));
  return fc
    .tuple(...fields.map(anyBits))
    .map((parts) => parts.reduce((word, part) => word | part, pattern.match) >>> 0)
    .filter((word) => decode(word)?.encoded.name === row.name);
}
