import { DW_ATE } from '../elf/dwarf/constants';
import { UnavailableError } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import { typeName } from '../elf/dwarf/type-names';
import {
  strip,
  type ArrayType,
  type BaseType,
  type CompositeType,
  type DwarfType,
} from '../elf/dwarf/types';
import type { StackMemory } from './stack-memory';
import { memberOf } from './variables-members';
import {
  characterText,
  enumText,
  floatingOf,
  floatingText,
  integerOf,
  isCharacter,
  isFloating,
} from './variables-numbers';
import { bitsOf, dimensionCount, partOf, readBytes, sizeOf, type Value } from './variables-value';

/** Elements and characters that are shown of one value, as gdb does. */
const MAX_ELEMENTS = 200;
/** Equal neighbours from this number on are counted instead of shown. */
const REPEATS = 10;
const MAX_DEPTH = 20;

/** What the text of a value needs beside it. */
export interface FormatContext {
  readonly memory: StackMemory;
  /** `name` or `name+8` for an address of code or data that a symbol covers. */
  symbolAt(address: number): string | undefined;
}

/** A value as gdb's `print` shows it, without the type that it puts before pointers. */
export function formatValue(value: Value, context: FormatContext): string {
  return new Formatter(context).text(value, 0);
}

/** As `formatValue`, with the type before pointers and references: `(int *) 0x1000`. */
export function formatTopLevel(value: Value, context: FormatContext): string {
  const text = formatValue(value, context);
  const bare = strip(value.type);
  if (text.startsWith('<')) return text;
  if (bare.kind === 'pointer' && isString(bare.target())) return text;
  return bare.kind === 'pointer' || bare.kind === 'reference' || bare.kind === 'rvalue-reference'
    ? `(${typeName(value.type)}) ${text}`
    : text;
}

const isString = (target: DwarfType): boolean => {
  const bare = strip(target);
  return bare.kind === 'base' && isCharacter(bare);
};

class Formatter {
  private shown = 0;

  constructor(private readonly context: FormatContext) {}

  text(value: Value, depth: number): string {
    try {
      return this.plain(value, depth);
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof DwarfError) {
        const { message } = error;
        return message.startsWith('<') ? message : `<${message}>`;
      }
      throw error;
    }
  }

  private plain(value: Value, depth: number): string {
    const type = strip(value.type);
    switch (type.kind) {
      case 'void':
        return 'void';
      case 'unspecified':
        return `<${type.name}>`;
      case 'base':
        return this.base(value, type);
      case 'enum':
        return enumText(bitsOf(value, this.context.memory), type);
      case 'pointer':
        return this.pointer(bitsOf(value, this.context.memory), strip(type.target()));
      case 'member-pointer':
        return bitsOf(value, this.context.memory).toString();
      case 'reference':
      case 'rvalue-reference':
        return this.reference(value, type.target(), depth);
      case 'function': {
        const { source } = value;
        const address = source.kind === 'memory' ? this.address(source.address) : '';
        return `{${typeName(value.type)}} ${address}`;
      }
      case 'array':
        if (depth > MAX_DEPTH) return '{...}';
        return this.array(value, type, 0, depth);
      default:
        if (depth > MAX_DEPTH) return '{...}';
        return this.composite(value, type, depth);
    }
  }

  private base(value: Value, type: BaseType): string {
    const bits = bitsOf(value, this.context.memory);
    const width = value.bits?.size ?? type.size * 8;
    if (isFloating(type)) return floatingText(floatingOf(bits, type.size), type.size, bits);
    if (type.encoding === DW_ATE.complexFloat) {
      const half = type.size / 2;
      const parts = [bits, bits >> BigInt(half * 8)].map((each) => {
        const part = BigInt.asUintN(half * 8, each);
        return floatingText(floatingOf(part, half), half, part);
      });
      return `${parts[0]} + ${parts[1]}i`;
    }
    const number = integerOf(bits, type, width);
    if (type.encoding === DW_ATE.boolean && number <= 1n) return number === 1n ? 'true' : 'false';
    if (isCharacter(type)) return `${number} '${characterText(Number(number), "'")}'`;
    if (type.encoding === DW_ATE.utf) return this.wideCharacter(number, type.size);
    return number.toString();
  }

  private wideCharacter(code: bigint, size: number): string {
    const prefix = size === 2 ? 'u' : size === 4 ? 'U' : 'u8';
    const known = code > 0x7fn && code <= 0x10ffffn;
    const text = known ? String.fromCodePoint(Number(code)) : characterText(Number(code), "'");
    return `${code} ${prefix}'${text}'`;
  }

  private pointer(address: bigint, target: DwarfType): string {
    const text = this.address(address);
    if (address === 0n || target.kind !== 'base' || !isCharacter(target)) return text;
    return `${text} ${this.stringAt(address)}`;
  }

  private address(address: bigint): string {
    const symbol =
      address !== 0n && address < 1n << 32n ? this.context.symbolAt(Number(address)) : undefined;
    return `0x${address.toString(16)}${symbol === undefined ? '' : ` <${symbol}>`}`;
  }

  /** The characters at an address up to a NUL. */
  private stringAt(address: bigint): string {
    const bytes = this.context.memory.bytes(address, MAX_ELEMENTS);
    if (bytes.length === 0)
      return `<error: Cannot access memory at address 0x${address.toString(16)}>`;
    const end = bytes.indexOf(0);
    return end < 0
      ? `${characters(bytes)}${bytes.length === MAX_ELEMENTS ? '...' : ''}`
      : characters(bytes.subarray(0, end));
  }

  private reference(value: Value, target: DwarfType, depth: number): string {
    const address = bitsOf(value, this.context.memory);
    const referred: Value = { type: target, source: { kind: 'memory', address } };
    const at = `@0x${address.toString(16)}`;
    return depth > 0 ? at : `${at}: ${this.text(referred, depth + 1)}`;
  }

  private array(value: Value, type: ArrayType, dimension: number, depth: number): string {
    const count = dimensionCount(type, dimension, value.context);
    if (count === undefined) return '<unknown number of elements>';
    const element = type.element();
    const last = dimension === type.dimensions.length - 1;
    const bare = strip(element);
    const isText = last && bare.kind === 'base' && isCharacter(bare) && count > 0;
    if (isText && isWhole(value, count)) return this.characterArray(value, count);
    let size = sizeOf(element, value.context);
    for (let i = dimension + 1; i < type.dimensions.length; i++) {
      size *= dimensionCount(type, i, value.context) ?? 0;
    }
    return this.elements(count, (index) => {
      const part = partOf(value, last ? element : type, index * size);
      return last ? this.text(part, depth + 1) : this.array(part, type, dimension + 1, depth + 1);
    });
  }

  /** `{1, 2, 0 <repeats 30 times>...}` */
  private elements(count: number, textOf: (index: number) => string): string {
    const texts: string[] = [];
    let index = 0;
    while (index < count && this.shown < MAX_ELEMENTS) {
      const text = textOf(index);
      let equal = 1;
      while (index + equal < count && equal <= MAX_ELEMENTS && textOf(index + equal) === text) {
        equal++;
      }
      if (equal >= REPEATS) {
        texts.push(`${text} <repeats ${equal}${equal > MAX_ELEMENTS ? ' or more' : ''} times>`);
        this.shown += REPEATS;
        index += equal;
      } else {
        texts.push(text);
        this.shown += 1;
        index += 1;
      }
    }
    return `{${texts.join(', ')}${index < count ? '...' : ''}}`;
  }

  private characterArray(value: Value, count: number): string {
    const shown = Math.min(count, MAX_ELEMENTS);
    const bytes = readBytes(value, this.context.memory, 0, shown);
    if (shown < count) return `${characters(bytes)}...`;
    // The NUL at the end goes without saying.
    return characters(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes);
  }

  private composite(value: Value, type: CompositeType, depth: number): string {
    if (type.isIncomplete) return '<incomplete type>';
    const members = type.members();
    if (members.length === 0) return '{<No data fields>}';
    const parts = members.map((member) => {
      const text = this.text(memberOf(value, member, this.context.memory), depth + 1);
      if (member.isBaseClass) return `<${typeName(member.type)}> = ${text}`;
      return member.name === undefined ? text : `${member.name} = ${text}`;
    });
    return `{${parts.join(', ')}}`;
  }
}

/** Whether nothing of a value's first bytes was optimized out. */
const isWhole = ({ source }: Value, bytes: number): boolean =>
  source.kind !== 'bytes' || source.known.subarray(0, bytes).every((each) => each === 0xff);

/** Bytes as C writes them: `"abc"`, long runs counted: `"a", '\000' <repeats 15 times>`. */
function characters(bytes: Uint8Array): string {
  const parts: string[] = [];
  let open = '';
  const close = (): void => {
    if (open !== '') parts.push(`"${open}"`);
    open = '';
  };
  for (let at = 0; at < bytes.length;) {
    let equal = 1;
    while (bytes[at + equal] === bytes[at] && at + equal < bytes.length) equal++;
    if (equal > REPEATS) {
      close();
      parts.push(`'${characterText(bytes[at], "'")}' <repeats ${equal} times>`);
    } else open += characterText(bytes[at], '"').repeat(equal);
    at += equal;
  }
  close();
  return parts.length === 0 ? '""' : parts.join(', ');
}
