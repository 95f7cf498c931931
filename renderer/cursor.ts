import type { Workbench } from './commands';

/** Whether the pane that had the keyboard last has a cursor. */
export const hasCursor = ({ view }: Workbench): boolean =>
  (view.cursorPane === 'source' ? view.sourceCursor : view.cursor) !== null;

/** The instruction at the cursor: of a source line its first. */
export async function cursorAddress({ machine, view }: Workbench): Promise<number | null> {
  if (view.cursorPane !== 'source' || view.sourceCursor === null) return view.cursor;
  const { path, line } = view.sourceCursor;
  const [first] = await machine.requests().breakpointLocations(path, line, machine.focusHart);
  return first?.address ?? null;
}
