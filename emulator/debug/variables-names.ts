import { DW_AT } from '../elf/dwarf/constants';
import type { Entry } from '../elf/dwarf/entry';
import { qualifiedName } from '../elf/dwarf/functions';
import { typeName } from '../elf/dwarf/type-names';
import { strip, type DwarfType } from '../elf/dwarf/types';
import type { Hart } from '../multiprocess/hart';
import { readRegister } from './registers';
import type { SourceModule, SourceModules } from './source-modules';
import { FrameContext } from './stack-context';
import type { FramePlace } from './stack-frames';
import { StackMemory } from './stack-memory';
import { C_TYPES, dereferenced, fromScalar, integer, pointerTo } from './variables-arithmetic';
import type { ExpressionScope } from './expression';
import { findMember } from './variables-members';
import { variablesOf, variableValue } from './variables-scope';
import { bytesOf, type Value } from './variables-value';

const FLOATING = /^f(?:[0-9]|[ast][0-9]|[123][0-9])/;
const POINTERS: ReadonlySet<string> = new Set(['pc', 'sp', 'ra', 'gp', 'tp', 'fp']);

/**
 * What the names of an expression mean in a frame: its variables, the program's global variables,
 * enumerators and functions, then `hart`, registers (`$a0` or `a0`) and symbols.
 * @param extra names that stand before all others
 */
export function frameScope(
  modules: SourceModules,
  frame: FramePlace,
  hart: Hart,
  extra: Readonly<Record<string, bigint>> = {},
): ExpressionScope {
  return {
    memory: new StackMemory(hart.space),
    value(name) {
      if (Object.hasOwn(extra, name)) return fromScalar(integer(extra[name], C_TYPES.long));
      if (name.startsWith('$')) return registerNamed(name.slice(1), hart);
      return (
        localNamed(name, frame) ??
        ownMember(name, frame, hart) ??
        scopedNamed(name, modules, frame) ??
        (name === 'hart' ? number(hart.index) : registerNamed(name, hart)) ??
        symbolNamed(name, modules)
      );
    },
    type: (name) => typeNamed(name, modules, frame),
  };
}

const number = (value: number): Value => fromScalar(integer(BigInt(value), C_TYPES.int));

function localNamed(name: string, { context, scopes }: FramePlace): Value | undefined {
  if (context === undefined) return undefined;
  const entry = localsOf(scopes).get(name);
  return entry && variableValue(entry, context);
}

/** A member of the object that the frame's function is a method of. */
function ownMember(name: string, frame: FramePlace, hart: Hart): Value | undefined {
  const object = localNamed('this', frame);
  if (object === undefined || object.source.kind === 'unavailable') return undefined;
  const memory = new StackMemory(hart.space);
  const value = dereferenced(object, memory);
  const type = strip(value.type);
  if (type.kind !== 'class' && type.kind !== 'struct' && type.kind !== 'union') return undefined;
  return findMember(value, type, name, memory);
}

/** What names of variables mean in scopes, which are the same list each time that a hart is at a place. */
const locals = new WeakMap<FramePlace['scopes'], ReadonlyMap<string, Entry>>();

function localsOf(scopes: FramePlace['scopes']): ReadonlyMap<string, Entry> {
  let found = locals.get(scopes);
  if (found === undefined) {
    const variables = variablesOf({ scopes });
    const named = new Map<string, Entry>();
    // A local variable hides a parameter; inner blocks come first.
    const byRank = [...variables].sort((a, b) => Number(a.isParameter) - Number(b.isParameter));
    for (const { name, entry } of byRank) if (!named.has(name)) named.set(name, entry);
    locals.set(scopes, (found = named));
  }
  return found;
}

/** Modules with debugging information, the frame's own first. */
function informed(modules: SourceModules, { module }: FramePlace): SourceModule[] {
  const others = modules.list().filter((each) => each !== module);
  return [...(module ? [module] : []), ...others].filter(({ info }) => info.exists);
}

/** A global name, also without the class and namespaces that the frame's function is in, and one of a base class. */
function scopedNamed(name: string, modules: SourceModules, frame: FramePlace): Value | undefined {
  const { entry } = frame.scopes.at(0) ?? {};
  for (let around = entry && enclosing(qualifiedName(entry)); around; around = enclosing(around)) {
    const found = memberNamed(around, name, modules, frame);
    if (found) return found;
  }
  const global = globalNamed(name, modules, frame);
  const owner = global === undefined ? enclosing(name) : undefined;
  if (owner === undefined) return global;
  return memberNamed(owner, name.slice(owner.length + 2), modules, frame);
}

/** What a qualified name stands in: `geometry::Point` of `geometry::Point::made`. */
function enclosing(name: string | undefined): string | undefined {
  const at = name?.replaceAll(/<[^<>]*(?:<[^<>]*>)?[^<>]*>/g, (text) => '_'.repeat(text.length));
  const end = at?.lastIndexOf('::') ?? -1;
  return end > 0 ? name?.slice(0, end) : undefined;
}

/** A variable of a namespace or class by its plain name, else of the class's bases. */
function memberNamed(
  owner: string,
  name: string,
  modules: SourceModules,
  frame: FramePlace,
  depth = 0,
): Value | undefined {
  const found = globalNamed(`${owner}::${name}`, modules, frame);
  if (found || depth > MOST_BASES) return found;
  const type = typeNamed(owner, modules, frame);
  if (type?.kind !== 'class' && type?.kind !== 'struct') return undefined;
  for (const { isBaseClass, type: base } of type.members()) {
    if (!isBaseClass) continue;
    const inherited = memberNamed(typeName(base), name, modules, frame, depth + 1);
    if (inherited) return inherited;
  }
  return undefined;
}

function globalNamed(name: string, modules: SourceModules, frame: FramePlace): Value | undefined {
  for (const module of informed(modules, frame)) {
    const { globals, functions, types } = module.info;
    const variable = globals.variable(name);
    if (variable) {
      const context = new FrameContext(frame.activation, module, variable.unit, undefined);
      return variableValue(variable, context);
    }
    const enumerator = globals.enumerator(name)?.attribute(DW_AT.constValue)?.value;
    if (typeof enumerator === 'number' || typeof enumerator === 'bigint') {
      return fromScalar(integer(BigInt(enumerator), C_TYPES.int));
    }
    const [entry] = functions.named(name);
    const address = entry?.address(DW_AT.lowPc);
    if (entry && address !== undefined) {
      const source = { kind: 'memory', address: BigInt(address + module.base) } as const;
      return { type: types.read(entry), source };
    }
  }
  return undefined;
}

/** A register of the hart: what it holds now, in whichever frame. */
function registerNamed(name: string, hart: Hart): Value | undefined {
  const bits = readRegister(hart.state, name);
  if (bits === undefined) return undefined;
  const type = POINTERS.has(name)
    ? pointerTo({ kind: 'void' })
    : FLOATING.test(name)
      ? C_TYPES.double
      : C_TYPES.long;
  const known = new Uint8Array(8).fill(0xff);
  return { type, source: { kind: 'bytes', bytes: bytesOf(bits, 8), known } };
}

/** A symbol without debugging information: the bytes there, as a number of its size. */
function symbolNamed(name: string, modules: SourceModules): Value | undefined {
  for (const { symbols } of modules.list()) {
    const symbol = symbols.byName(name);
    if (symbol === undefined) continue;
    const source = { kind: 'memory', address: BigInt(symbol.address) } as const;
    if (symbol.kind === 'function') return { type: UNKNOWN_FUNCTION, source };
    const sizes = { 1: C_TYPES.char, 2: C_TYPES.short, 4: C_TYPES.int };
    return { type: sizes[symbol.size as 1 | 2 | 4] ?? C_TYPES.long, source };
  }
  return undefined;
}

/** Classes above a class that its static members are looked for in. */
const MOST_BASES = 32;

/** What is known of a function without debugging information. */
export const UNKNOWN_FUNCTION: DwarfType = {
  kind: 'function',
  result: () => C_TYPES.int,
  parameters: [],
  isVariadic: false,
  isPrototyped: false,
};

function typeNamed(name: string, modules: SourceModules, frame: FramePlace): DwarfType | undefined {
  for (const { info } of informed(modules, frame)) {
    const entry = info.globals.type(name);
    if (entry) return info.types.read(entry);
  }
  return undefined;
}
