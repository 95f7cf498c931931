/** The rows of the register matrix: what the harts have in common, and what differs. */
import {
  REGISTER_TABLE,
  type HartInfo,
  type HartValue,
  type RegisterTable,
} from '../../../emulator/debug/protocol';
import { formatBits, isBoxedFloat, placeName, type NumberFormat } from '../../format';
import { F_NAMES, X_NAMES } from '../../register-names';

export interface MatrixCell {
  readonly hart: number;
  /** Undefined where an expression has no value. */
  readonly bits: bigint | undefined;
  readonly text: string;
  /** Why there is no value. */
  readonly problem?: string;
  /** Is not what most harts have. */
  readonly differs: boolean;
  /** Is not what the hart had at the stop before. */
  readonly changed: boolean;
}

export interface MatrixRow {
  /** Name in the protocol: `x5`, `f10`, `pc`; of an expression: `=` and its text. */
  readonly id: string;
  readonly name: string;
  readonly section: 'Expressions' | 'Integer' | 'Float' | 'Control and status';
  readonly format: NumberFormat;
  /** All harts have the same value. */
  readonly equal: boolean;
  /** Whether its values can be written. */
  readonly fixed: boolean;
  readonly cells: readonly MatrixCell[];
}

/** How values are written: formats by row, and the names of addresses. */
export interface Writing {
  readonly formats: Readonly<Record<string, NumberFormat>>;
  readonly nameOf: (bits: bigint) => string | undefined;
}

/** A register: its place in a hart's part of the table, names, and section. */
type Place = readonly [index: number, id: string, name: string, section: MatrixRow['section']];

const { x, f, pc, fcsr, instret, size } = REGISTER_TABLE;

const PLACES: readonly Place[] = [
  [pc, 'pc', 'pc', 'Integer'],
  ...X_NAMES.map((name, n): Place => [x + n, `x${n}`, name, 'Integer']).slice(1),
  ...F_NAMES.map((name, n): Place => [f + n, `f${n}`, name, 'Float']),
  [fcsr, 'fcsr', 'fcsr', 'Control and status'],
  [instret, 'instret', 'instret', 'Control and status'],
];

/** A value as short as its format allows: without the zeros that only fill it up. */
function short(bits: bigint, format: NumberFormat, nameOf: Writing['nameOf']): string {
  const name = format === 'symbol' ? nameOf(bits) : undefined;
  if (name) return name;
  const isHex = format === 'hex' || format === 'symbol';
  return isHex ? `0x${bits.toString(16)}` : formatBits(bits, format);
}

/** What more than half of the harts have. */
function commonValue(values: readonly (bigint | undefined)[]): bigint | undefined {
  const counts = new Map<bigint | undefined, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: readonly [bigint | undefined, number] = [undefined, 0];
  for (const each of counts) if (each[1] > best[1]) best = each;
  return 2 * best[1] > values.length ? best[0] : undefined;
}

/** A row of registers or of an expression's values. */
interface RowSource {
  readonly id: string;
  readonly name: string;
  readonly section: MatrixRow['section'];
  readonly fixed: boolean;
  readonly harts: readonly number[];
  readonly values: readonly (bigint | undefined)[];
  /** The value at the stop before; undefined where the hart was not there. */
  readonly before: (hart: number) => bigint | undefined;
  readonly problems?: readonly (string | undefined)[];
}

const isSameCell = (one: MatrixCell, other: MatrixCell | undefined): boolean =>
  one.hart === other?.hart &&
  one.bits === other.bits &&
  one.text === other.text &&
  one.problem === other.problem &&
  one.differs === other.differs &&
  one.changed === other.changed;

/** The rows, those that say the same as before as the same objects: they need not be drawn again. */
export function keepRows(
  rows: readonly MatrixRow[],
  before: readonly MatrixRow[],
): readonly MatrixRow[] {
  const known = new Map(before.map((row) => [row.id, row]));
  return rows.map((row) => {
    const old = known.get(row.id);
    const isSame =
      old?.format === row.format &&
      old.cells.length === row.cells.length &&
      row.cells.every((cell, n) => isSameCell(cell, old.cells[n]));
    return isSame ? old : row;
  });
}

function makeRow(source: RowSource, { formats, nameOf }: Writing): MatrixRow {
  const { id, name, section, fixed, harts, values, before, problems } = source;
  const common = commonValue(values);
  const format = formats[id] ?? usualFormat(section, id, values);
  // Most harts have the same: each text is made once.
  const texts = new Map<bigint, string>();
  const textOf = (bits: bigint): string => {
    const text = texts.get(bits) ?? short(bits, format, nameOf);
    texts.set(bits, text);
    return text;
  };
  const cells = values.map((bits, n): MatrixCell => {
    const hart = harts[n] ?? 0;
    const then = before(hart);
    const problem = problems?.[n];
    return {
      hart,
      bits,
      text: bits === undefined ? '–' : textOf(bits),
      ...(problem === undefined ? {} : { problem }),
      differs: bits !== common,
      changed: then !== undefined && then !== bits,
    };
  });
  const equal = cells.every(({ differs }) => !differs);
  return { id, name, section, format, fixed, equal, cells };
}

export function matrixRows(
  { harts, values }: RegisterTable,
  earlier: RegisterTable | null,
  writing: Writing,
): MatrixRow[] {
  const places = new Map(earlier?.harts.map((hart, n) => [hart, n]));
  return PLACES.map(([index, id, name, section]): MatrixRow => {
    const own = harts.map((_, n) => values[size * n + index] ?? 0n);
    const before = (hart: number): bigint | undefined => {
      const then = places.get(hart);
      return then === undefined ? undefined : earlier?.values[size * then + index];
    };
    const fixed = id === 'instret';
    return makeRow({ id, name, section, fixed, harts, values: own, before }, writing);
  });
}

/** The row of an expression that is evaluated on every hart. */
export function expressionRow(
  text: string,
  harts: readonly number[],
  { values, problem }: { readonly values: readonly HartValue[]; readonly problem?: string },
  earlier: readonly HartValue[],
  writing: Writing,
): MatrixRow {
  const byHart = new Map(values.map((each) => [each.hart, each]));
  const then = new Map(earlier.map((each) => [each.hart, each.value]));
  const bitsOf = (value: string | undefined): bigint | undefined =>
    value === undefined ? undefined : BigInt(value);
  const source: RowSource = {
    id: `=${text}`,
    name: text,
    section: 'Expressions',
    fixed: true,
    harts,
    values: harts.map((hart) => bitsOf(byHart.get(hart)?.value)),
    before: (hart) => bitsOf(then.get(hart)),
    problems: harts.map((hart) => problem ?? byHart.get(hart)?.problem),
  };
  return makeRow(source, writing);
}

function usualFormat(
  section: MatrixRow['section'],
  id: string,
  values: readonly (bigint | undefined)[],
): NumberFormat {
  if (section === 'Expressions') return 'signed';
  if (section === 'Float') {
    return values.every((bits) => bits !== undefined && isBoxedFloat(bits)) ? 'float' : 'double';
  }
  return id === 'instret' ? 'unsigned' : 'hex';
}

/** Harts with the same value of a row, side by side. */
export interface ColumnGroup {
  readonly text: string;
  /** Indices of their cells. */
  readonly columns: readonly number[];
}

/** Columns with the same key side by side, in the order in which the keys first appear. */
function grouped(
  columns: readonly number[],
  keyOf: (column: number) => { readonly key: unknown; readonly text: string },
): ColumnGroup[] {
  const groups = new Map<unknown, { text: string; columns: number[] }>();
  for (const column of columns) {
    const { key, text } = keyOf(column);
    const group = groups.get(key);
    if (group) group.columns.push(column);
    else groups.set(key, { text, columns: [column] });
  }
  return [...groups.values()];
}

/** Groups columns by a row's value. */
export const groupColumns = (
  { cells }: MatrixRow,
  columns: readonly number[] = cells.map((_, column) => column),
): ColumnGroup[] =>
  grouped(columns, (column) => ({ key: cells[column]?.bits, text: cells[column]?.text ?? '' }));

/** Groups columns by lockstep group: those of harts that stand at the same place are side by side. */
export const groupByPlace = (
  columns: readonly number[],
  hartOf: (column: number) => HartInfo | undefined,
): ColumnGroup[] =>
  grouped(columns, (column) => {
    const hart = hartOf(column);
    return {
      key: hart?.group ?? `alone ${hart?.id ?? ''}`,
      text: hart ? placeName(hart.location) : '',
    };
  });
