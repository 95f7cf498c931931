import type { EventColumns } from '../../../emulator/debug/protocol-timeline';

/** Most events that the pane keeps; of more, the newest. */
const MOST_EVENTS = 1_000_000;

type Column = Uint32Array | Uint16Array | Uint8Array | Int32Array | Float64Array | Float32Array;
const COLUMNS = [
  'number',
  'kind',
  'hart',
  'page',
  'from',
  'to',
  'forked',
  'pc',
  'time',
  'took',
] as const;

/**
 * Earlier and later answers as one. Columns are in the order of the events afterwards, also where a thread was late with
 * its own.
 */
export function joined(before: EventColumns, news: EventColumns, most = MOST_EVENTS): EventColumns {
  const old = before.number.length;
  const total = old + news.number.length;
  const rowOf = orderOf(before.number, news.number).subarray(Math.max(0, total - most));
  const merged = { ...news } as Record<string, unknown>;
  for (const name of COLUMNS) {
    const [first, second]: [Column, Column] = [before[name], news[name]];
    const column = new (second.constructor as new (length: number) => Column)(rowOf.length);
    for (let i = 0; i < rowOf.length; i++) {
      const row = rowOf[i] ?? 0;
      column[i] = (row < old ? first[row] : second[row - old]) ?? 0;
    }
    merged[name] = column;
  }
  return merged as unknown as EventColumns;
}

/** Rows of both lists, those of the second counted on, in ascending order of their numbers. */
function orderOf(first: Uint32Array, second: Uint32Array): Uint32Array {
  const order = new Uint32Array(first.length + second.length);
  let i = 0;
  let j = 0;
  for (let at = 0; at < order.length; at++) {
    const isFirst = j >= second.length || (i < first.length && (first[i] ?? 0) <= (second[j] ?? 0));
    order[at] = isFirst ? i++ : first.length + j++;
  }
  return order;
}
