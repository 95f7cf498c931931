import { DW_AT, DW_TAG } from '../elf/dwarf/constants';
import type { Entry } from '../elf/dwarf/entry';
import {
  evaluateLocation,
  evaluateValue,
  UnavailableError,
  type ExpressionContext,
  type ObjectPlace,
} from '../elf/dwarf/expression';
import { inherited } from '../elf/dwarf/functions';
import { expressionAt } from '../elf/dwarf/location-lists';
import { DW_OP } from '../elf/dwarf/operations';
import { DwarfReader } from '../elf/dwarf/reader';
import type { StackType } from '../elf/dwarf/typed-value';
import type { Unit } from '../elf/dwarf/unit';
import type { SourceModule, SourceModules } from './source-modules';
import type { StackMemory } from './stack-memory';
import type { UnwoundFrame } from './stack-unwinder';

const TP = 4;
/** Callers whose values an entry value may need, one for each level. */
const MAX_ENTRY_DEPTH = 8;

/** The activation that variables are looked up in: a frame, with those that called it. */
export interface Activation {
  readonly modules: SourceModules;
  readonly memory: StackMemory;
  readonly frames: readonly UnwoundFrame[];
  /** Number of the frame in `frames`. */
  readonly index: number;
  /** Its `lookup`, known without unwinding. */
  readonly lookup: number;
}

/** What location expressions of one frame may ask: registers, memory, the frame, its callers. */
export class FrameContext implements ExpressionContext {
  readonly is64: boolean;
  readonly addressSize: number;
  readonly version: number;
  readonly base: number;
  /** The frame's address in its module, as linked. */
  readonly linked: number;

  /**
   * @param unit the expressions' unit
   * @param holder the function that the frame is of
   */
  constructor(
    readonly activation: Activation,
    readonly module: SourceModule,
    readonly unit: Unit,
    private readonly holder: Entry | undefined,
    private readonly depth = 0,
  ) {
    const { header } = unit;
    this.is64 = header.is64;
    this.addressSize = header.addressSize;
    this.version = header.version;
    this.base = module.base;
    this.linked = activation.lookup - module.base;
  }

  get frame(): UnwoundFrame {
    return this.activation.frames[this.activation.index];
  }

  /**
   * Whether an object at a place is a parameter that the function has not stored there yet. Code that is not
   * optimized has one place for each parameter, in its frame, which is true behind the frame's setup only; what
   * its caller has stored lies above the frame.
   */
  isNotStored({ tag }: Entry, place: ObjectPlace): boolean {
    if (tag !== DW_TAG.formalParameter || place.kind !== 'memory') return false;
    const { linked, holder, module } = this;
    if (holder === undefined || !module.info.isSettingUp(holder, linked)) return false;
    return place.address < this.cfa();
  }

  /** Where an attribute of an entry says that an object is; undefined when nothing does. */
  placeOf(entry: Entry, attribute: number): ObjectPlace | undefined {
    const expression = inherited(entry, (each) =>
      each.has(attribute) ? (expressionAt(each, attribute, this.linked) ?? NOWHERE) : undefined,
    );
    return expression && evaluateLocation(expression, this);
  }

  register(number: number): bigint {
    const value = this.frame.registers.get(number);
    if (value === undefined) throw new UnavailableError('<not saved>');
    return value;
  }

  memory(address: bigint, size: number): bigint {
    return this.activation.memory.need(address, size);
  }

  frameBase(): bigint {
    const place = this.holder && this.placeOf(this.holder, DW_AT.frameBase);
    if (place?.kind === 'memory') return place.address;
    if (place?.kind === 'register') return this.register(place.register);
    throw new UnavailableError('the frame base is not known');
  }

  cfa(): bigint {
    const { cfa } = this.frame;
    if (cfa === undefined) throw new UnavailableError('the frame address is not known');
    return BigInt(cfa);
  }

  entryValue(expression: Uint8Array): bigint {
    const { activation, depth } = this;
    const caller = activation.frames[activation.index + 1];
    if (caller === undefined || caller.interrupted || depth >= MAX_ENTRY_DEPTH) {
      throw new UnavailableError('<optimized out>');
    }
    const module = activation.modules.at(caller.lookup);
    const holder = module?.info.functions.functionAt(caller.lookup - module.base);
    const value = module && holder && callValue(holder, caller.pc - module.base, expression);
    if (!value) throw new UnavailableError('<optimized out>');
    const { modules, memory, frames } = activation;
    const { lookup } = caller;
    const outer = { modules, memory, frames, index: activation.index + 1, lookup };
    const context = new FrameContext(outer, module, holder.unit, holder, depth + 1);
    return evaluateValue(value, context);
  }

  threadLocal(offset: bigint): bigint {
    // Variant I with tp at the program's own block, where only the program has one (psABI).
    if (this.activation.modules.list()[0] !== this.module) {
      throw new UnavailableError("a shared library's thread-local variables are not looked up");
    }
    return this.register(TP) + offset;
  }

  indexedAddress(index: number): number {
    return this.unit.indexedAddress(index);
  }

  baseType(offset: number): StackType | undefined {
    if (offset === 0) return undefined;
    const entry = this.unit.entryAt(this.unit.header.offset + offset);
    const size = entry.number(DW_AT.byteSize) ?? 8;
    const encoding = entry.number(DW_AT.encoding);
    if (size > 8 || size < 1) throw new UnavailableError('the value is too wide to compute with');
    return encoding === undefined ? undefined : { encoding, size };
  }
}

const NOWHERE = new Uint8Array(0);

/** What the call that returns to `returnTo` passed in a place (DW_TAG_call_site_parameter). */
function callValue(holder: Entry, returnTo: number, place: Uint8Array): Uint8Array | undefined {
  const register = registerOf(place);
  if (register === undefined) return undefined;
  const open = [...holder.children];
  for (let entry = open.pop(); entry; entry = open.pop()) {
    if (SCOPES.has(entry.tag)) open.push(...entry.children);
    if (entry.tag !== DW_TAG.callSite && entry.tag !== DW_TAG.gnuCallSite) continue;
    const at = entry.address(DW_AT.callReturnPc) ?? entry.address(DW_AT.lowPc);
    if (at !== returnTo) continue;
    for (const parameter of entry.children) {
      const location = parameter.block(DW_AT.location);
      if (location === undefined || registerOf(location) !== register) continue;
      return parameter.block(DW_AT.callValue) ?? parameter.block(DW_AT.gnuCallSiteValue);
    }
  }
  return undefined;
}

/** The register that an expression names, as itself or as a value of a type. */
function registerOf(expression: Uint8Array): number | undefined {
  const reader = new DwarfReader('location expression', expression);
  const opcode = reader.u8();
  if (opcode >= DW_OP.reg0 && opcode <= DW_OP.reg31) return opcode - DW_OP.reg0;
  const named = [DW_OP.regx, DW_OP.regvalType, DW_OP.gnuRegvalType] as readonly number[];
  return named.includes(opcode) ? reader.uleb() : undefined;
}

const SCOPES: ReadonlySet<number> = new Set([DW_TAG.lexicalBlock, DW_TAG.inlinedSubroutine]);
