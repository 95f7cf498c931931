import { HART } from '../memory/layout';
import type { Hart } from './hart';

const A0 = 10;
const RESULT = HART.x + 8 * A0;
/** In place of a result that is not in a0 any more: −2^63, which no call has. */
const NO_RESULT = 0x8000_0000;

/**
 * Notes that a hart's system call is over, while it still stands at its ecall.
 * @param hasResult a0 is what the call has answered, and not yet a signal handler's
 */
export function noteCall(
  { space, index, state }: Pick<Hart, 'space' | 'index' | 'state'>,
  number: number,
  hasResult = true,
): void {
  const low = hasResult ? state.field(RESULT) : 0;
  const high = hasResult ? state.field(RESULT + 4) : NO_RESULT;
  space.arena.events.emit(index, 'syscall', number, low, high);
}

/** Notes that a hart waits in a system call; not again when it is only tried in vain. */
export function noteWait(hart: Hart, number: number): void {
  const { space, index, state } = hart;
  if (hart.waitedAt === state.instret) return;
  hart.waitedAt = state.instret;
  space.arena.events.emit(index, 'park', number, 0, 0);
}
