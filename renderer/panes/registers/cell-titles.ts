/** What a cell of the Register matrix says when the pointer rests on it. */
import { watch, type Ref } from 'vue';
import { FORMATS, formatBits } from '../../format';
import type { MatrixCell, MatrixRow } from './register-rows';

/** The cell's value in all formats. */
export function cellTitle(row: MatrixRow, cell: MatrixCell): string {
  const { bits, problem } = cell;
  if (bits === undefined) return `${row.name} on hart ${cell.hart}: ${problem ?? 'no value'}`;
  const forms = FORMATS.filter(({ id }) => id !== 'symbol').map(
    ({ id, title }) => `${title}: ${formatBits(bits, id)}`,
  );
  const marks = [cell.differs && 'differs from most harts', cell.changed && 'changed'];
  const noted = marks.filter((mark) => mark !== false).join(', ');
  return [`${row.name} of hart ${cell.hart}${noted && ` (${noted})`}`, ...forms].join('\n');
}

/**
 * Gives a cell its title when the pointer comes to it, for there are thousands of them.
 * @returns for what the pointer goes over
 */
export function useCellTitles(
  rows: Ref<readonly MatrixRow[]>,
  isEditing: (row: MatrixRow, cell: MatrixCell) => boolean,
): (event: Event) => void {
  let described: HTMLElement | null = null;

  function forget(): void {
    described?.removeAttribute('title');
    described = null;
  }

  watch(rows, forget);
  return ({ target }) => {
    const element = (target as HTMLElement).closest<HTMLElement>('[data-cell]');
    const name = element?.dataset.cell;
    if (!element || name === undefined || element === described) return;
    const at = name.lastIndexOf('.');
    const row = rows.value.find(({ id }) => id === name.slice(0, at));
    const cell = row?.cells.find(({ hart }) => hart === Number(name.slice(at + 1)));
    if (row === undefined || cell?.bits === undefined || isEditing(row, cell)) return;
    forget();
    element.title = cellTitle(row, cell);
    described = element;
  };
}
