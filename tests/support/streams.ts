import { decode, rowOf } from '../../emulator/isa/decoder';
import { encodeSlots, fits, readField, type Field, type Slots } from '../../emulator/isa/pattern';
import { INSTRUCTIONS } from '../../emulator/isa/table';
import type { Extension, Instruction } from '../../emulator/isa/types';
import type { Random } from './random';

/** One encoded instruction of an item. */
export interface Part {
  readonly name: string;
  readonly slots: Slots;
}

/**
 * One or a few instructions that belong together. `skip`: the last one moves control this many items on (1 =
 * to the next item), and its immediate is found when all addresses are known.
 */
export interface Item {
  readonly parts: readonly Part[];
  readonly skip?: number;
}

/** What may stand in a stream, and around what. */
export interface StreamPlan {
  readonly instructions: readonly Instruction[];
  /** The register that points to the middle of the scratch memory; nothing writes it. */
  readonly base: number;
  /** Whether rounding instructions occur: then frm keeps a valid value. */
  readonly rounds: boolean;
  /**
   * Where the scratch memory holds operands that suit a floating-point instruction: offsets from the base
   * register of three doublewords.
   */
  readonly operands?: (name: string) => readonly number[];
}

/** Bytes on either side of the base register that loads and stores reach. */
export const SCRATCH_REACH = 1024;
/** Handed to the execution environment; and what QEMU 7.2 gets wrong (`model.test.ts` has that). */
const EXCLUDED = new Set(['ecall', 'ebreak', 'c.ebreak', 'ctzw']);
const NO_SLOTS: Slots = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, rm: 0 };
const TRIES = 32;
const LONGEST_SKIP = 6;
const FLOAT_CSRS = { fflags: 1, frm: 2, fcsr: 3 } as const;

/** The rows of the table for some extensions that a stream may hold. */
export function streamInstructions(extensions: readonly Extension[]): Instruction[] {
  return INSTRUCTIONS.filter(
    ({ name, extension }) => extensions.includes(extension) && !EXCLUDED.has(name),
  );
}

/** Makes the items of one random stream. */
export class StreamGenerator {
  /** Registers that occur more often than others, so that values flow from one instruction to the next. */
  private readonly favourites: readonly number[];

  constructor(
    private readonly random: Random,
    private readonly plan: StreamPlan,
  ) {
    this.favourites = [0, 1, 2, 3].map(() => 1 + random.below(31));
  }

  items(count: number): Item[] {
    const items: Item[] = [];
    while (items.length < count) {
      const item = this.item(this.random.pick(this.plan.instructions));
      if (item) items.push(item);
    }
    return items;
  }

  /**
   * A random use of `instruction`, and of others that it needs; undefined when none is found, as of
   * `c.addi16sp` where the stack pointer is the base register.
   */
  private item(instruction: Instruction): Item | undefined {
    for (let i = 0; i < TRIES; i++) {
      const item = this.attempt(instruction);
      if (item && item.parts.every((part) => this.isAllowed(part))) return item;
    }
    return undefined;
  }

  private attempt(instruction: Instruction): Item | undefined {
    const { random } = this;
    const { name, extension, control } = instruction;
    const base = baseOf(instruction);
    if (extension === 'Zicsr') return this.csr(name);
    if (control === 'branch' || control === 'jump') {
      const part = { name, slots: this.slots(name) };
      return { parts: [part], skip: 1 + random.below(LONGEST_SKIP) };
    }
    if (control === 'indirect') return this.indirect(name);
    if (base.extension === 'A') return this.atomic(name);
    if (/imm\((rs1|sp)\)/.test(base.syntax)) return this.memory(name);
    if (base.syntax.includes('frs1') && random.below(3) > 0) return this.float(name);
    return { parts: [{ name, slots: this.slots(name) }] };
  }

  /**
   * A floating-point operation on operands that suit it; often with the flags reset before it, which
   * would soon all be set otherwise and hide each other.
   */
  private float(name: string): Item {
    const { random, plan } = this;
    const part = { name, slots: this.slots(name) };
    const { rs1, rs2, rs3 } = part.slots;
    const offset = random.pick(plan.operands?.(name) ?? []);
    const load = (rd: number, i: number): Part => ({
      name: 'fld',
      slots: { ...NO_SLOTS, rd, rs1: plan.base, imm: offset + 8 * i },
    });
    const flags = { ...this.slots('csrrwi'), imm: FLOAT_CSRS.fflags, rs1: random.below(2) };
    const reset = random.oneIn(2) ? [{ name: 'csrrwi', slots: flags }] : [];
    return { parts: [...[rs1, rs2, rs3].map(load), ...reset, part] };
  }

  /** Whether the encoding means what was meant, and leaves the base register alone. */
  private isAllowed({ name, slots }: Part): boolean {
    const decoded = decode(encodePart({ name, slots }));
    if (decoded?.encoded.name !== name) return false;
    return !writesInteger(decoded.instruction) || decoded.rd !== this.plan.base;
  }

  private register(field: Field): number {
    const { random } = this;
    const any = field.compact ? 8 + random.below(8) : random.below(32);
    const favourite = random.pick(this.favourites);
    if (field.compact) return any;
    if (random.oneIn(10)) return 0;
    return random.oneIn(2) ? favourite : any;
  }

  private slots(name: string): Slots {
    const { random } = this;
    const slots: Record<keyof Slots, number> = { ...NO_SLOTS };
    for (const field of fieldsOf(name)) {
      if (field.name === 'rm') slots.rm = random.oneIn(2) ? 7 : random.below(5);
      else if (field.slot === 'imm') slots.imm |= this.immediate(field) << field.shift;
      else if (field.slot === 'rm') slots.rm |= random.below(2) << field.shift;
      else if (field.name === 'uimm') slots.rs1 = random.below(32);
      else slots[field.slot] = this.register(field);
    }
    // Equal registers are where an implementation reads what it has just written.
    if (random.oneIn(8)) slots.rs1 = slots.rd;
    if (random.oneIn(8)) slots.rs2 = slots.rs1;
    return slots;
  }

  private immediate(field: Field): number {
    const { random } = this;
    const value = readField(field, random.u32());
    const small = value % 16;
    return random.oneIn(3) && fits(field, small) ? small : value;
  }

  /** A load or store of the scratch memory, through the base register or a pointer made from it. */
  private memory(name: string): Item | undefined {
    const { random, plan } = this;
    const slots: Record<keyof Slots, number> = { ...this.slots(name) };
    const fields = fieldsOf(name);
    const pointer = fields.find((field) => field.slot === 'rs1');
    // Stores on the stack have no rs1 field: the stack pointer is meant.
    let register = 2;
    if (pointer) {
      const usesBase = random.oneIn(2) && (!pointer.compact || (plan.base & 24) === 8);
      register = usesBase ? plan.base : this.pointerRegister(pointer);
      slots.rs1 = register;
    }
    const address = random.below(2 * SCRATCH_REACH - 8) - SCRATCH_REACH;
    const target = random.oneIn(3) ? address : address & -8;
    return this.through(register, target, slots.imm, { name, slots });
  }

  private pointerRegister(field: Field): number {
    const { random } = this;
    return field.compact ? 8 + random.below(8) : 1 + random.below(31);
  }

  /** `part` with its address register pointing so that register + offset = base + target. */
  private through(register: number, target: number, offset: number, part: Part): Item | undefined {
    const { base } = this.plan;
    if (register === base) {
      const inside = offset >= -SCRATCH_REACH && offset <= SCRATCH_REACH - 8;
      return inside ? { parts: [part] } : undefined;
    }
    const imm = target - offset;
    if (imm < -2048 || imm > 2047) return undefined;
    return { parts: [addi(register, base, imm), part] };
  }

  /** An AMO, LR or SC at a multiple of 8; of 64-bit LR and SC only pairs, so that widths never mix. */
  private atomic(name: string): Item | undefined {
    const { random, plan } = this;
    const register = random.oneIn(4) ? plan.base : 1 + random.below(31);
    const target = (random.below(2 * SCRATCH_REACH - 8) - SCRATCH_REACH) & -8;
    const use = (other: string): Part => ({
      name: other,
      slots: { ...this.slots(other), rs1: register },
    });
    const [, kind, width] = /^(lr|sc)\.([wd])$/.exec(name) ?? [];
    if (kind === undefined) return this.through(register, target, 0, use(name));
    if (width === 'w' && random.oneIn(3)) return this.through(register, target, 0, use(name));
    const load = use(`lr.${width}`);
    if (load.slots.rd === register) return undefined;
    const first = this.through(register, target, 0, load);
    const between = random.oneIn(4) ? [this.memory('sd'), this.memory('sw')] : [];
    const others = between.flatMap((item) => item?.parts ?? []);
    if (others.some((part) => part.name === 'addi' && part.slots.rd === register)) return undefined;
    return first && { parts: [...first.parts, ...others, use(`sc.${width}`)] };
  }

  /** `jalr` and its compressed forms, forward: the address comes from auipc. */
  private indirect(name: string): Item | undefined {
    const { random, plan } = this;
    const slots = this.slots(name);
    const register = 1 + random.below(31);
    if (register === plan.base) return undefined;
    const parts = [
      { name: 'auipc', slots: { ...NO_SLOTS, rd: register } },
      ...(name === 'jalr' ? [] : [addi(register, register, 0)]),
      { name, slots: { ...slots, rs1: register } },
    ];
    return { parts, skip: 1 + random.below(LONGEST_SKIP) };
  }

  private csr(name: string): Item {
    const { random, plan } = this;
    const slots: Record<keyof Slots, number> = { ...this.slots(name) };
    slots.imm = random.pick(Object.values(FLOAT_CSRS));
    if (!plan.rounds || slots.imm === FLOAT_CSRS.fflags) return { parts: [{ name, slots }] };
    const frm = random.below(5);
    if (slots.imm === FLOAT_CSRS.frm) {
      return { parts: [{ name: 'csrrwi', slots: { ...slots, rs1: frm } }] };
    }
    if (random.oneIn(2)) return { parts: [{ name: 'csrrs', slots: { ...slots, rs1: 0 } }] };
    const value = (frm << 5) | random.below(32);
    const register = 1 + random.below(31);
    if (register === plan.base) return { parts: [{ name: 'csrrs', slots: { ...slots, rs1: 0 } }] };
    const write = { name: 'csrrw', slots: { ...slots, rs1: register } };
    return { parts: [addi(register, 0, value), write] };
  }
}

const addi = (rd: number, rs1: number, imm: number): Part => ({
  name: 'addi',
  slots: { ...NO_SLOTS, rd, rs1, imm },
});

const byName = new Map(INSTRUCTIONS.map((instruction) => [instruction.name, instruction]));

/** The instruction whose semantics run. */
function baseOf({ name, expands }: Instruction): Instruction {
  const base = byName.get(expands?.to ?? name);
  if (!base) throw new Error(`${name} is not in the instruction table`);
  return base;
}

const writesInteger = ({ syntax }: Instruction): boolean => syntax.split(/[\s,]+/).includes('rd');

function patternOf(name: string): NonNullable<ReturnType<typeof rowOf>>['pattern'] {
  const row = rowOf(name);
  if (!row) throw new Error(`${name} is not in the instruction table`);
  return row.pattern;
}

const fieldsOf = (name: string): readonly Field[] => patternOf(name).fields;

export const encodePart = ({ name, slots }: Part): number => encodeSlots(patternOf(name), slots);

/** Bytes of a part. */
const lengthOf = ({ name }: Part): number => patternOf(name).length;

/** The machine code of items that follow each other; what skips past the last one goes to the end. */
export function encodeItems(items: readonly Item[]): Uint8Array<ArrayBuffer> {
  const starts = [0];
  for (const { parts } of items) {
    starts.push((starts.at(-1) ?? 0) + parts.reduce((sum, part) => sum + lengthOf(part), 0));
  }
  const code = new Uint8Array(starts.at(-1) ?? 0);
  const view = new DataView(code.buffer);
  items.forEach(({ parts, skip }, i) => {
    let at = starts[i];
    const target = starts[Math.min(items.length, i + (skip ?? 0))];
    parts.forEach((part, j) => {
      const word = encodePart(skip === undefined ? part : aimed(parts, j, target, starts[i], at));
      if (lengthOf(part) === 4) view.setUint32(at, word, true);
      else view.setUint16(at, word, true);
      at += lengthOf(part);
    });
  });
  return code;
}

/** Part `j` of an item that moves control, with the offset to its target. */
function aimed(parts: readonly Part[], j: number, target: number, start: number, at: number): Part {
  const { name, slots } = parts[j];
  // Relative to auipc, the first part, or to the branch itself.
  if (name === 'jalr' || name === 'addi') return { name, slots: { ...slots, imm: target - start } };
  const isDirect = j === parts.length - 1 && parts.length === 1;
  return { name, slots: isDirect ? { ...slots, imm: target - at } : slots };
}
