/** What the Breakpoints pane shows of a breakpoint, and what it makes of its fields. */
import { specOf } from '../../../emulator/debug/breakpoint-spec';
import type { Breakpoint, BreakpointSpec } from '../../../emulator/debug/protocol';
import { placeName } from '../../format';

/** Kinds to choose from for a new breakpoint. */
export const NEW_KINDS = [
  { id: 'code', title: 'code', placeholder: 'address or symbol', spec: {} },
  { id: 'barrier', title: 'barrier', placeholder: 'where all wait', spec: { barrier: true } },
  { id: 'write', title: 'write', placeholder: 'variable or address', spec: data('write') },
  { id: 'read', title: 'read', placeholder: 'variable or address', spec: data('read') },
  { id: 'access', title: 'access', placeholder: 'variable or address', spec: data('access') },
  { id: 'change', title: 'change', placeholder: 'variable or address', spec: data('change') },
  { id: 'syscall', title: 'call', placeholder: 'write, or * for all', spec: { kind: 'syscall' } },
  {
    id: 'event',
    title: 'event',
    placeholder: 'signal, exit, fork, loan …',
    spec: { kind: 'event' },
  },
] as const satisfies readonly {
  id: string;
  title: string;
  placeholder: string;
  spec: Partial<BreakpointSpec>;
}[];
export type NewKind = (typeof NEW_KINDS)[number]['id'];

function data(access: NonNullable<BreakpointSpec['access']>): Partial<BreakpointSpec> {
  return { kind: 'data', access };
}

const chosen = (kind: NewKind): (typeof NEW_KINDS)[number] | undefined =>
  NEW_KINDS.find(({ id }) => id === kind);

export const placeholderOf = (kind: NewKind): string => chosen(kind)?.placeholder ?? '';

export const newSpec = (kind: NewKind, at: string): BreakpointSpec => ({
  at,
  enabled: true,
  ...chosen(kind)?.spec,
});

/** What a breakpoint is called in the list. */
export function titleOf({
  kind = 'code',
  at,
  location,
  access = 'write',
  watched,
}: Breakpoint): string {
  // A function goes by its name, although its own work begins further on.
  const place = location && location.symbol !== at ? placeName(location) : at;
  if (kind === 'syscall') return `call ${at}`;
  if (kind === 'event') return `event ${at}`;
  return kind === 'data'
    ? `${access} ${place}${watched === undefined ? '' : `, ${watched} B`}`
    : place;
}

/** Everything beside the place, in one line. */
export function details(breakpoint: Breakpoint): string {
  const { condition, hitCount, hitRule = 'from', log, harts, barrier, temporary } = breakpoint;
  const { line, locations } = breakpoint;
  const rule = { from: 'from hit', exactly: 'only hit', multiple: 'each hit' }[hitRule];
  return [
    barrier && 'barrier',
    line !== undefined && `line ${line}`,
    locations && `${locations.length} places`,
    condition !== undefined && `if ${condition}`,
    hitCount !== undefined && `${rule} ${hitCount}`,
    harts && `harts ${harts.join(', ')}`,
    log !== undefined && `prints “${log}”`,
    temporary && 'once',
  ]
    .filter((part) => part !== false && part !== undefined)
    .join(' · ');
}

/** The fields of the form, as they are typed. */
export interface BreakpointFields {
  condition: string;
  hitCount: string;
  rule: NonNullable<BreakpointSpec['hitRule']>;
  log: string;
  harts: string;
  temporary: boolean;
}

export const EMPTY_FIELDS: BreakpointFields = {
  condition: '',
  hitCount: '',
  rule: 'from',
  log: '',
  harts: '',
  temporary: false,
};

export const fieldsOf = (breakpoint: Breakpoint): BreakpointFields => ({
  condition: breakpoint.condition ?? '',
  hitCount: breakpoint.hitCount === undefined ? '' : String(breakpoint.hitCount),
  rule: breakpoint.hitRule ?? 'from',
  log: breakpoint.log ?? '',
  harts: breakpoint.harts?.join(', ') ?? '',
  temporary: breakpoint.temporary ?? false,
});

/** The breakpoint with what was typed; a text says what is wrong with it. */
export function specWith(
  breakpoint: Breakpoint,
  fields: BreakpointFields,
): BreakpointSpec | string {
  const count = fields.hitCount.trim();
  if (count !== '' && !/^[1-9]\d{0,14}$/.test(count)) {
    return `Hit count: "${count}" is not a number from 1 up.`;
  }
  const numbers = fields.harts.split(/[\s,]+/).filter((word) => word !== '');
  if (numbers.some((word) => !/^\d{1,5}$/.test(word))) {
    return `Harts: "${fields.harts.trim()}" are not numbers with commas.`;
  }
  const { at, enabled, kind, access, length, barrier } = specOf(breakpoint);
  const condition = fields.condition.trim();
  return {
    at,
    enabled,
    ...(kind && { kind }),
    ...(access && { access }),
    ...(length !== undefined && { length }),
    ...(barrier && { barrier }),
    ...(condition !== '' && { condition }),
    ...(count !== '' && { hitCount: Number(count), hitRule: fields.rule }),
    ...(fields.log.trim() !== '' && { log: fields.log.trim() }),
    ...(numbers.length > 0 && { harts: numbers.map(Number) }),
    ...(fields.temporary && { temporary: true }),
  };
}
