import { DW_AT, DW_TAG } from '../elf/dwarf/constants';
import type { Entry } from '../elf/dwarf/entry';
import { UnavailableError } from '../elf/dwarf/expression';
import { inherited, plainName, type Scope } from '../elf/dwarf/functions';
import { DwarfError } from '../elf/dwarf/reader';
import { VOID, type DwarfType } from '../elf/dwarf/types';
import type { SourceModule } from './source-modules';
import type { FrameContext } from './stack-context';
import type { FramePlace } from './stack-frames';
import { bytesOf, sizeOf, unavailable, valueAt, type Value } from './variables-value';

/** A parameter or local variable that is in scope in a frame. */
export interface ScopedVariable {
  readonly name: string;
  readonly isParameter: boolean;
  readonly entry: Entry;
}

/** The parameters in their order, then the local variables, those of inner blocks first. */
export function variablesOf({ scopes }: Pick<FramePlace, 'scopes'>): ScopedVariable[] {
  const parameters: ScopedVariable[] = [];
  const locals: ScopedVariable[] = [];
  for (const scope of [...scopes].reverse()) {
    for (const entry of entriesOf(scope)) {
      const name = plainName(entry);
      // What the compiler made up has no name that anybody knows, but for `this`.
      if (name === undefined || (entry.flag(DW_AT.artificial) && name !== 'this')) continue;
      const isParameter = entry.tag === DW_TAG.formalParameter;
      (isParameter ? parameters : locals).push({ name, isParameter, entry });
    }
  }
  return [...parameters, ...locals];
}

/** The variables of a scope, with those of its origin that this copy says nothing about. */
function entriesOf({ entry }: Scope): Entry[] {
  const own = entry.children.filter(isVariable);
  const origin = entry.reference(DW_AT.abstractOrigin);
  if (origin === undefined) return own;
  const said = new Set(own.map((each) => each.reference(DW_AT.abstractOrigin)));
  const rest = origin.children.filter((each) => isVariable(each) && !said.has(each));
  return [...own, ...rest];
}

const isVariable = ({ tag }: Entry): boolean =>
  tag === DW_TAG.formalParameter || tag === DW_TAG.variable;

/** What a parameter has for a value while its function sets up its frame. */
const NOT_STORED = '<not stored yet>';

/** The value of a variable; what keeps it from being had is told in its place. */
export function variableValue(entry: Entry, context: FrameContext): Value {
  let type: DwarfType = VOID;
  try {
    type = typeOf(entry, context.module);
    const constant = inherited(entry, (each) => each.attribute(DW_AT.constValue));
    if (constant) return constantValue(type, constant.value, context);
    const place = context.placeOf(entry, DW_AT.location);
    if (place && context.isNotStored(entry, place)) return unavailable(type, NOT_STORED);
    return place ? valueAt(type, place, context) : unavailable(type);
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof DwarfError) {
      return unavailable(type, `<${error.message.replace(/^<|>$/g, '')}>`);
    }
    throw error;
  }
}

/** The type of a variable, which may stand at its origin or declaration. */
const typeOf = (entry: Entry, { info }: SourceModule): DwarfType =>
  inherited(entry, (each) => (each.has(DW_AT.type) ? info.types.typeOf(each) : undefined)) ?? VOID;

function constantValue(type: DwarfType, value: unknown, context: FrameContext): Value {
  const size = sizeOf(type, context);
  const bytes =
    value instanceof Uint8Array
      ? value
      : typeof value === 'string'
        ? new TextEncoder().encode(value)
        : bytesOf(BigInt(value as number | bigint), size);
  const known = new Uint8Array(bytes.length).fill(0xff);
  return { type, source: { kind: 'bytes', bytes, known }, context };
}
