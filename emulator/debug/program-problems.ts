import type { SessionHost } from './session-host';
import type { DebugTarget } from './target';

/** A damaged file may have thousands; the first ones tell what it is about. */
const MOST_TOLD = 3;

/** Tells what of the program's file cannot be read although it runs without: its symbols, say. */
export function tellProblems(target: DebugTarget, name: string, { events }: SessionHost): void {
  const [program] = target.imagesOf(target.liveHarts[0].owner);
  const { problems } = program.image;
  for (const problem of problems.slice(0, MOST_TOLD)) {
    events.message(`${name}: ${problem}`, 'warning');
  }
  const more = problems.length - MOST_TOLD;
  if (more > 0) events.message(`${name}: and ${more} more like this`, 'warning');
}
