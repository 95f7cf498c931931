/** The rows of the register matrix: what the harts have in common, and what differs. */
import { REGISTER_TABLE, type RegisterTable } from '../../../emulator/debug/protocol';
import { formatBits, isBoxedFloat, type NumberFormat } from '../../format';
import { F_NAMES, X_NAMES } from '../../register-names';

export interface MatrixCell {
  readonly hart: number;
  readonly bits: bigint;
  readonly text: string;
  /** Is not what most harts have. */
  readonly differs: boolean;
  /** Is not what the hart had at the stop before. */
  readonly changed: boolean;
}

export interface MatrixRow {
  /** Name in the protocol: `x5`, `f10`, `pc`. */
  readonly id: string;
  readonly name: string;
  readonly section: 'Integer' | 'Float' | 'Control and status';
  readonly format: NumberFormat;
  /** All harts have the same value. */
  readonly equal: boolean;
  readonly cells: readonly MatrixCell[];
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
const short = (bits: bigint, format: NumberFormat): string =>
  format === 'hex' ? `0x${bits.toString(16)}` : formatBits(bits, format);

/** What more than half of the harts have. */
function commonValue(values: readonly bigint[]): bigint | undefined {
  const counts = new Map<bigint, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [value, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
  return 2 * count > values.length ? value : undefined;
}

export function matrixRows(
  { harts, values }: RegisterTable,
  earlier: RegisterTable | null,
  formats: Readonly<Record<string, NumberFormat>>,
): MatrixRow[] {
  const before = new Map(earlier?.harts.map((hart, n) => [hart, n]));
  return PLACES.map(([index, id, name, section]): MatrixRow => {
    const own = harts.map((_, n) => values[size * n + index] ?? 0n);
    const common = commonValue(own);
    const format = formats[id] ?? usualFormat(section, id, own);
    // Most harts have the same: each text is made once.
    const texts = new Map<bigint, string>();
    const textOf = (bits: bigint): string => {
      const text = texts.get(bits) ?? short(bits, format);
      texts.set(bits, text);
      return text;
    };
    const cells = own.map((bits, n): MatrixCell => {
      const hart = harts[n] ?? 0;
      const then = before.get(hart);
      const changed = then !== undefined && earlier?.values[size * then + index] !== bits;
      return { hart, bits, text: textOf(bits), differs: bits !== common, changed };
    });
    return { id, name, section, format, equal: cells.every(({ differs }) => !differs), cells };
  });
}

function usualFormat(
  section: MatrixRow['section'],
  id: string,
  values: readonly bigint[],
): NumberFormat {
  if (section === 'Float') return values.every(isBoxedFloat) ? 'float' : 'double';
  return id === 'instret' ? 'unsigned' : 'hex';
}
