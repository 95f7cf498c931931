import { canonicalName } from './canonical';
import { isAlias, type DwarfType, type FunctionType, type QualifiedType } from './types';

const MAX_DEPTH = 32;

/** A type as C declares it without a name: `int`, `char *[3]`, `struct point (*)(int)`. */
export function typeName(type: DwarfType): string {
  return declare(type, '', 0);
}

/**
 * C's inside-out declarators: `inner` is what has been declared so far around the name.
 */
function declare(type: DwarfType, inner: string, depth: number): string {
  if (depth > MAX_DEPTH) return `…${spaced(inner)}`;
  switch (type.kind) {
    case 'void':
      return `void${spaced(inner)}`;
    case 'base':
      return `${canonicalName(type.name)}${spaced(inner)}`;
    case 'unspecified':
      return `${type.name}${spaced(inner)}`;
    case 'struct':
    case 'class':
    case 'union':
    case 'enum': {
      const tag = type.hasTag || type.name === undefined ? `${type.kind} ` : '';
      return `${tag}${type.name ?? '{...}'}${spaced(inner)}`;
    }
    case 'pointer':
    case 'reference':
    case 'rvalue-reference':
    case 'member-pointer': {
      const mark = MARKS[type.kind];
      const target = type.target();
      const grouped = target.kind === 'array' || target.kind === 'function';
      return declare(target, grouped ? `(${mark}${inner})` : `${mark}${inner}`, depth + 1);
    }
    case 'array': {
      const bounds = type.dimensions.map(({ count }) => `[${count ?? ''}]`).join('');
      return declare(type.element(), `${inner}${bounds}`, depth + 1);
    }
    case 'function':
      return declare(type.result(), `${inner}(${parameters(type, depth)})`, depth + 1);
    case 'typedef':
      return `${type.name}${spaced(inner)}`;
    default:
      return qualified(type, inner, depth);
  }
}

const MARKS = {
  pointer: '*',
  reference: '&',
  'rvalue-reference': '&&',
  'member-pointer': '::*',
} as const;

/** A qualifier of a pointer stands behind its star, any other before the type. */
function qualified(type: QualifiedType, inner: string, depth: number): string {
  const word = type.kind === 'atomic' ? '_Atomic' : type.kind;
  const target = type.target();
  let behind = target;
  for (let left = MAX_DEPTH; left > 0 && isAlias(behind) && behind.kind !== 'typedef'; left--) {
    behind = behind.target();
  }
  if (behind.kind === 'pointer') {
    const around = inner.startsWith('*') || inner === '' ? inner : ` ${inner}`;
    return declare(target, ` ${word}${around}`, depth + 1);
  }
  return `${word} ${declare(target, inner, depth + 1)}`;
}

function parameters(type: FunctionType, depth: number): string {
  const names = type.parameters.map((parameter) => declare(parameter(), '', depth + 1));
  if (type.isVariadic) names.push('...');
  return names.length === 0 && type.isPrototyped ? 'void' : names.join(', ');
}

const spaced = (inner: string): string =>
  inner === ''
    ? ''
    : inner.startsWith('[') || inner.startsWith(' ')
      ? ` ${inner.trim()}`
      : ` ${inner}`;
