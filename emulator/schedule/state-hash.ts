import { createHash } from 'node:crypto';
import { HART, PAGE_SIZE } from '../memory/layout';
import { pageRuns } from '../memory/page-runs';
import type { Hart } from '../multiprocess/hart';

/**
 * SHA-256 over the registers of all harts and over what their address spaces hold: equal when two machines that
 * were loaded alike are in the same state. Which frames hold the pages does not matter.
 */
export function stateHash(harts: readonly Hart[]): string {
  const hash = createHash('sha256');
  const spaces = new Set(harts.map(({ space }) => space));
  for (const space of spaces) {
    for (const { page, count, state, protection } of pageRuns(space)) {
      hash.update(`${page} ${count} ${protection};`);
      // Pages that were never written are zero: their number says all.
      if (state === 'zero' || state === 'guard') continue;
      for (let i = 0; i < count; i++) hash.update(space.peek((page + i) * PAGE_SIZE, PAGE_SIZE));
    }
  }
  for (const { index, state, space } of harts) {
    hash.update(`hart ${index} in ${[...spaces].indexOf(space)};`);
    hash.update(state.bytes(0, HART.sink));
    hash.update(state.bytes(HART.f, HART.fcsr + 4 - HART.f));
  }
  return hash.digest('hex');
}
