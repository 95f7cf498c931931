import { describe, expect, it } from 'vitest';
import { Pauses } from '../../../emulator/engine/translator/pauses';

/** Pauses of a hart whose clock goes on as it is told to. */
function hartWithClock(): {
  pauses: Pauses;
  pause: (ms: number) => number;
  run: (ms: number) => void;
} {
  let now = 100;
  const pauses = new Pauses(() => now);
  const run = (ms: number): void => void (now += ms);
  return { pauses, pause: (ms) => pauses.during(() => run(ms)), run };
}

describe('the pauses of a hart', () => {
  it('are measured, all together and the longest one', () => {
    const { pauses, pause, run } = hartWithClock();
    expect(pause(2)).toBe(2);
    run(10);
    expect(pause(4)).toBe(4);
    run(10);
    pause(1);
    expect(pauses.total).toBe(7);
    expect(pauses.longest).toBe(4);
  });

  it('are one when it hardly runs between them', () => {
    const { pauses, pause, run } = hartWithClock();
    pause(2);
    run(0.5);
    pause(2);
    run(0.5);
    pause(2);
    expect(pauses.longest).toBe(6);
  });

  it('are not allowed to follow one another until they are too long', () => {
    const { pauses, pause, run } = hartWithClock();
    expect(pauses.allows(3)).toBe(true);
    pause(2);
    expect(pauses.allows(1)).toBe(true);
    expect(pauses.allows(2)).toBe(false);
    run(0.5);
    expect(pauses.allows(2)).toBe(false);
    run(0.5);
    expect(pauses.allows(2)).toBe(true);
    pause(2);
    expect(pauses.allows(1)).toBe(true);
  });
});
