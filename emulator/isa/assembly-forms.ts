import { ALIASES } from './aliases';
import { bindOperand, type Binding } from './assembly-operands';
import type { SymbolLookup } from './assembly-text';
import { rowOf } from './decoder';
import { parseSyntax, type Operand } from './operands';
import { encodeSlots, fieldRange, fits, type Pattern, type Slot, type Slots } from './pattern';
import { DYNAMIC_ROUNDING } from './registers';
import { INSTRUCTIONS } from './table';

/** A way to write an instruction: its own syntax or an alias's. */
interface Form {
  readonly syntax: string;
  readonly operands: readonly Operand[];
  readonly pattern: Pattern;
  /** What the operands that are not written hold. */
  readonly fixed: Partial<Slots>;
  readonly same: boolean;
}

/** An instruction whose operands are read but whose symbols may be unknown yet. */
export interface BoundInstruction {
  readonly length: 2 | 4;
  /** @throws Error when a symbol is missing or a value does not fit. */
  encode(symbols: SymbolLookup): number;
}

const forms = collectForms();

function collectForms(): ReadonlyMap<string, readonly Form[]> {
  const result = new Map<string, Form[]>();
  const add = (
    name: string,
    of: string,
    syntax: string,
    fixed: Partial<Slots> = {},
    same = false,
  ): void => {
    const pattern = rowOf(of)?.pattern;
    if (!pattern) throw new Error(`alias ${name}: ${of} is not in the instruction table`);
    const form = { syntax, operands: parseSyntax(syntax), pattern, fixed, same };
    result.set(name, [...(result.get(name) ?? []), form]);
  };
  for (const { name, syntax } of INSTRUCTIONS) add(name, name, syntax);
  for (const { name, of, syntax, fixed, same } of ALIASES) {
    // How a compressed instruction is printed under another name is no way to ask for it.
    if (of.startsWith('c.') && !name.startsWith('c.')) continue;
    add(name, of, syntax, fixed, same);
  }
  return result;
}

const ORDERINGS: Readonly<Record<string, number>> = { aqrl: 3, aq: 2, rl: 1 };

/** The forms of a mnemonic and what its ordering suffix (`.aq`, `.rl`, `.aqrl`) puts into `rm`. */
function lookUp(mnemonic: string): { forms: readonly Form[]; ordering: number } | undefined {
  const plain = forms.get(mnemonic);
  if (plain) return { forms: plain, ordering: 0 };
  const [, stem, suffix] = /^(.*)\.(aqrl|aq|rl)$/.exec(mnemonic) ?? [];
  const ordered = forms.get(stem)?.filter(({ pattern }) => hasField(pattern, 'aq'));
  return ordered?.length ? { forms: ordered, ordering: ORDERINGS[suffix] } : undefined;
}

const hasField = (pattern: Pattern, name: string): boolean =>
  pattern.fields.some((field) => field.name === name);

/**
 * Reads the operands of an instruction: the first of its forms that they fit.
 * @throws Error that says what was expected.
 */
export function bindInstruction(mnemonic: string, operands: readonly string[]): BoundInstruction {
  const found = lookUp(mnemonic);
  if (!found) throw new Error(`unknown instruction or directive "${mnemonic}"`);
  let problem: string | undefined;
  for (const form of found.forms) {
    const bound = bindForm(form, operands);
    if (typeof bound !== 'string') {
      const rm = hasField(form.pattern, 'aq') ? found.ordering : defaultRounding(form);
      return {
        length: form.pattern.length,
        encode: (symbols) => encodeForm(form, { rm, ...form.fixed }, bound, symbols, mnemonic),
      };
    }
    if (bound !== '') problem ??= `${bound.replace('%', mnemonic)}`;
  }
  if (problem !== undefined) throw new Error(problem);
  const expected = found.forms.map(({ syntax }) => syntax || 'no operands').join('" or "');
  throw new Error(`${mnemonic} takes "${expected}", found "${operands.join(', ')}"`);
}

/** Instructions that write no rounding mode though they have the field are exact: its bits are zero. */
const defaultRounding = ({ operands }: Form): number =>
  operands.some(({ kind }) => kind === 'rm') ? DYNAMIC_ROUNDING : 0;

/** The bindings of all operands; else the problem, `''` when their number is wrong. */
function bindForm(form: Form, texts: readonly string[]): Binding[] | string {
  const wanted =
    texts.length === form.operands.length - 1
      ? form.operands.filter(({ kind }) => kind !== 'rm')
      : form.operands;
  if (wanted.length !== texts.length) return '';
  const bindings: Binding[] = [];
  for (const [i, operand] of wanted.entries()) {
    const bound = bindOperand(operand, texts[i]);
    if ('expected' in bound) {
      return `expected ${bound.expected} as operand ${i + 1} of %, found "${texts[i]}"`;
    }
    bindings.push(...bound.bindings);
  }
  return bindings;
}

function encodeForm(
  { pattern, same }: Form,
  preset: Partial<Slots>,
  bindings: readonly Binding[],
  symbols: SymbolLookup,
  mnemonic: string,
): number {
  const slots: { -readonly [K in Slot]: number } = {
    ...{ rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0 },
    ...preset,
  };
  const written = new Set<Slot>();
  for (const binding of bindings) {
    const value = Number(binding.value(symbols));
    slots[binding.slot] = written.has(binding.slot) ? slots[binding.slot] | value : value;
    written.add(binding.slot);
  }
  if (same) slots.rs2 = slots.rs1;
  for (const field of pattern.fields) {
    // Fields that share a slot take their bits of it; their operands are checked when they are read.
    const shared = pattern.fields.filter(({ slot }) => slot === field.slot).length > 1;
    if (shared || fits(field, slots[field.slot])) continue;
    throw new Error(
      `${slots[field.slot]} does not fit into ${field.name} of ${mnemonic}: ${fieldRange(field)}`,
    );
  }
  return encodeSlots(pattern, slots);
}
