import { describeAddress } from '../elf/symbols';
import { systemCallName, systemCallNumber, SYSTEM_CALLS } from '../linux/syscalls/table';
import { EVENT_KINDS } from '../memory/events';
import { ADDRESS_LIMIT } from '../memory/layout';
import { MULTIPROCESS_CALLS } from '../multiprocess/abi';
import type { Hart } from '../multiprocess/hart';
import { EXIT_EVENT, type Place } from './breakpoint-rules';
import { ExpressionError } from './expression-tokens';
import { locate } from './location';
import type { BreakpointSpec, Location } from './protocol';
import { addressValue, memoryPlace, type MemoryPlace } from './places';
import { functionsOf, symbolsNamed } from './scope';
import { sourceOf } from './source-debugger';
import type { SourceLookup } from './source-lookup';
import type { DebugTarget } from './target';
import { variablesOf } from './variables-scope';

/** Bytes that are watched where neither the user nor a symbol says how many. */
const USUAL_LENGTH = 8;

/**
 * Where a breakpoint lies in the program that a hart runs.
 * @throws ExpressionError when its text names no such place
 */
export function placeOf(target: DebugTarget, spec: BreakpointSpec, hart: Hart): Place {
  switch (spec.kind ?? 'code') {
    case 'code':
      return linePlace(target, spec.at, hart) ?? codePlace(target, spec.at, hart);
    case 'data':
      return dataPlace(target, spec, hart);
    case 'syscall':
      return { kind: 'syscall', number: callNumber(spec.at.trim()) };
    case 'event':
      return { kind: 'event', event: eventKind(spec.at.trim()) };
  }
}

/** `file:line`; undefined when the text is something else. */
function linePlace(target: DebugTarget, at: string, hart: Hart): Place | undefined {
  const [, file, line] = /^\s*([^\s?:]+):(\d{1,9})\s*$/.exec(at) ?? [];
  if (file === undefined || line === undefined) return undefined;
  const locations = sourceOf(target, hart).lookup.breakpointLocations(file, Number(line));
  if (locations.length === 0) {
    throw new ExpressionError(`no code of line ${line} of ${file} is in the program`);
  }
  return {
    kind: 'code',
    locations: locations.map(({ address }) => locate(functionsOf(target, hart), address)),
    line: locations[0].line,
  };
}

/**
 * An address, or where a function's own work begins: its parameters can be read there. Of a C++ name without
 * parameters all functions of it.
 */
function codePlace(target: DebugTarget, at: string, hart: Hart): Place {
  const named = symbolsNamed(target, hart, at.trim());
  const { lookup } = sourceOf(target, hart);
  if (named.length === 0) refuseVariable(target, at.trim(), hart);
  const addresses =
    named.length > 0
      ? named.map(({ address }) => bodyAt(lookup, address))
      : [addressValue(target, hart, at)];
  return { kind: 'code', locations: addresses.map((address) => codeAt(target, address, hart)) };
}

/**
 * A local variable is no place in code, even when it holds a function's address: a library that comes may have a
 * function of its name.
 */
function refuseVariable(target: DebugTarget, name: string, hart: Hart): void {
  const variables = variablesOf(sourceOf(target, hart).innermost(hart));
  if (!variables.some((each) => each.name === name)) return;
  throw new ExpressionError(`${name} is a variable; what it holds is “${name} + 0”`);
}

/** A function's body when the address is where one begins; a label inside a function is where it is. */
function bodyAt(lookup: SourceLookup, address: number): number {
  const [range] = lookup.functionRanges(address);
  return range?.start === address ? (lookup.bodyStart(address) ?? address) : address;
}

function codeAt(target: DebugTarget, address: number, hart: Hart): Location {
  const functions = functionsOf(target, hart);
  if (address % 2 !== 0)
    throw new ExpressionError(`0x${address.toString(16)} is odd: no instruction`);
  if (hart.space.peek(address, 2).length < 2) {
    throw new ExpressionError(`nothing is mapped at ${describeAddress(functions, address)}`);
  }
  return locate(functions, address);
}

/** `*(int *)p` watches the int at p; a bare number or symbol the bytes there. */
function dataPlace(target: DebugTarget, { at, length }: BreakpointSpec, hart: Hart): Place {
  const { address, size } = dataAt(target, at, hart);
  const [symbol] = symbolsNamed(target, hart, at.trim());
  const bytes = length ?? size ?? (symbol?.size || USUAL_LENGTH);
  if (bytes < 1) throw new ExpressionError(`no bytes are there to be watched: ${at} has ${bytes}`);
  if (address + bytes > ADDRESS_LIMIT) {
    throw new ExpressionError(`${bytes} bytes from 0x${address.toString(16)} end above 4 GiB`);
  }
  const variable = sourceOf(target, hart).modules.at(address)?.symbols.objectAt(address);
  const name = variable && { symbol: variable.symbol.name, offset: variable.offset };
  return { kind: 'data', location: { address, ...name }, length: bytes };
}

/** A C++ name such as `Table<int, 4>::rows` is no expression. */
function dataAt(target: DebugTarget, text: string, hart: Hart): MemoryPlace {
  const [symbol] = symbolsNamed(target, hart, text.trim());
  return symbol ? { address: symbol.address } : memoryPlace(target, hart, text);
}

/** Calls of this project, which Linux does not have, by name. */
const OWN_CALLS: ReadonlyMap<string, number> = new Map(Object.entries(MULTIPROCESS_CALLS));
const OWN_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(MULTIPROCESS_CALLS).map(([name, number]) => [number, name]),
);

/** What a system call is called; numbers that Linux and `multiprocess` share go by the latter's. */
export const callName = (number: number): string => OWN_NAMES.get(number) ?? systemCallName(number);

function callNumber(text: string): number | undefined {
  if (text === '*') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const own = OWN_CALLS.get(text);
  if (own !== undefined) return own;
  if (!SYSTEM_CALLS.some(({ name }) => name === text)) {
    throw new ExpressionError(`no system call is called ${text}`);
  }
  return systemCallNumber(text);
}

function eventKind(text: string): string {
  const all: readonly string[] = [...EVENT_KINDS, EXIT_EVENT];
  if (all.includes(text)) return text;
  throw new ExpressionError(`no event is called ${text}: there are ${all.join(', ')}`);
}
