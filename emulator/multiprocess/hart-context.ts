import type { HartState } from '../engine/hart-state';
import { HART } from '../memory/layout';
import { CONTEXT_BYTES } from './workspace-messages';

/** What of a context is the hart's own, wherever it runs: [offset, bytes]. The rest are places in an arena. */
const OWN: readonly (readonly [number, number])[] = [
  [HART.x, HART.sink - HART.x],
  [HART.f, HART.fcsr - HART.f],
  [HART.reservation, HART.mhartid - HART.reservation],
  [HART.reservationAddress, HART.space - HART.reservationAddress],
];
/** Why it stopped. */
const STOP: readonly [number, number] = [HART.stop, HART.limit - HART.stop];

/** A copy of a hart's context, for another process. */
export function copyContext(state: HartState): Uint8Array {
  return state.bytes(0, CONTEXT_BYTES).slice();
}

/**
 * Makes a hart go on as another process left it.
 * @param context as `copyContext` gives it
 * @param withStop also why it stopped there
 */
export function takeContext(state: HartState, context: Uint8Array, withStop: boolean): void {
  for (const [at, length] of withStop ? [...OWN, STOP] : OWN) {
    state.bytes(at, length).set(context.subarray(at, at + length));
  }
  // x0 is 0 whatever has come; fcsr has eight bits.
  state.bytes(HART.x, 8).fill(0);
  state.fcsr = context[HART.fcsr];
}

/** The number of the hart whose context this is. */
export function contextHart(context: Uint8Array): number {
  return new DataView(context.buffer, context.byteOffset).getUint32(HART.mhartid, true);
}
