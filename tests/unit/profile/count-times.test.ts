import { describe, expect, test } from 'vitest';
import type { Hart } from '../../../emulator/multiprocess/hart';
import { CountTimes } from '../../../emulator/profile/count-times';
import { retired, type HartProfile } from '../../../emulator/profile/model';

/** A hart that runs one instruction again and again, in a function that `main` calls. */
function profileOf(name: string, count: number): HartProfile {
  const callee = { entry: 0x2000, callSite: 0x1004, calls: count, self: count, children: [] };
  return {
    hart: 0,
    name,
    counts: {
      addresses: Float64Array.of(0x2000),
      executions: Float64Array.of(count),
      taken: Float64Array.of(0),
    },
    root: { entry: 0x1000, callSite: 0x1000, calls: 1, self: 0, children: [callee] },
    arcs: [],
  };
}

/** What of it counts by time look at. */
const hartOf = (): Hart => ({ state: { instret: 0 } }) as Hart;
const run = (hart: Hart, count: number): void => {
  Object.assign(hart.state, { instret: hart.state.instret + count });
};

describe('counts by host time', () => {
  const begin = performance.timeOrigin;
  const everything = { from: -Infinity, to: Infinity };

  test('are those of the slices that reach into a part, as a whole', () => {
    let now = 0;
    const hart = hartOf();
    const times = new CountTimes(
      () => profileOf('main', hart.state.instret),
      () => now,
    );
    times.begin(hart);
    for (now = 10; now <= 100; now += 10) {
      run(hart, now);
      expect(times.isDue).toBe(true);
      times.take();
      expect(times.isDue).toBe(false);
    }
    const { harts, covers } = times.within({ from: begin + 25, to: begin + 35 });
    expect(harts.map(retired)).toEqual([30 + 40]);
    expect(harts[0].root.children.map(({ calls, self }) => [calls, self])).toEqual([[70, 70]]);
    expect(covers).toEqual({ from: begin + 20, to: begin + 40 });
    expect(times.within({ from: begin + 200, to: begin + 300 })).toEqual({
      harts: [],
      covers: undefined,
    });
  });

  test('leave out the time in which a hart waits for its system call', () => {
    let now = 0;
    const hart = hartOf();
    const times = new CountTimes(
      () => profileOf('main', hart.state.instret),
      () => now,
    );
    times.begin(hart);
    run(hart, 5);
    now = 10;
    times.calls(hart);
    now = 50;
    // The call retires when it is over.
    run(hart, 1);
    times.returned(hart);
    run(hart, 7);
    now = 60;
    times.takeAll();
    const waited = times.within({ from: begin + 15, to: begin + 45 });
    expect(waited.harts).toEqual([]);
    expect(times.within({ from: begin + 55, to: begin + 56 }).covers?.from).toBe(begin + 50);
    expect(times.within(everything).harts.map(retired)).toEqual([13]);
  });

  test('lose nothing of a long run, whose older slices are put together', () => {
    let now = 0;
    const hart = hartOf();
    const times = new CountTimes(
      () => profileOf('main', hart.state.instret),
      () => now,
    );
    times.begin(hart);
    for (now = 10; now <= 200_000; now += 10) {
      run(hart, 3);
      times.take();
    }
    const { harts, covers } = times.within(everything);
    expect(harts.map(retired)).toEqual([60_000]);
    expect(covers).toEqual({ from: begin, to: begin + 200_000 });
    const early = times.within({ from: begin + 5, to: begin + 6 }).covers!;
    expect(early.to - early.from).toBeGreaterThan(10);
    const late = times.within({ from: begin + 199_995, to: begin + 199_996 }).covers!;
    expect(late.to - late.from).toBe(10);
  });

  test('forget the oldest of very many harts', () => {
    let now = 0;
    const times = new CountTimes(
      () => undefined,
      () => now,
    );
    for (now = 1; now <= 40_000; now++) {
      const hart = hartOf();
      times.begin(hart);
      now += 1;
      times.ended(hart, profileOf(`task ${now} vCPU 1`, 1));
    }
    times.takeAll();
    const at = (time: number): readonly HartProfile[] =>
      times.within({ from: begin + time, to: begin + time + 10 }).harts;
    expect(at(39_900).length).toBeGreaterThan(0);
    expect(at(100)).toEqual([]);
    expect(times.within(everything).harts.length).toBeLessThanOrEqual(1 << 14);
  });
});
