import { describe, expect, test } from 'vitest';
import { Strands } from '../../../emulator/races/strands';

describe('strands', () => {
  test('a slot is used again by who knows all that its former strand did', () => {
    const strands = new Strands();
    const main = strands.start({ hart: 0 });
    const first = strands.start({ hart: 1 }, main);
    strands.end(first);
    const unjoined = strands.start({ hart: 1 }, main);
    expect(unjoined.slot).not.toBe(first.slot);
    main.clock.join(first.clock);
    const joined = strands.start({ hart: 2 }, main);
    expect(joined.slot).toBe(first.slot);
    expect(joined.first).toBeGreaterThan(first.time);
    expect(strands.who(first.slot, first.time)).toEqual({ hart: 1 });
    expect(strands.who(joined.slot, joined.time)).toEqual({ hart: 2 });
  });

  test('one is serial when all others have ended and it knows them', () => {
    const strands = new Strands();
    const main = strands.start({ hart: 0 });
    expect(strands.isSerial(main)).toBe(true);
    const other = strands.start({ hart: 1 }, main);
    expect(strands.isSerial(main)).toBe(false);
    strands.end(other);
    expect(strands.isSerial(main)).toBe(false);
    main.clock.join(other.clock);
    expect(strands.isSerial(main)).toBe(true);
  });

  test('ten thousand that nobody joins take a bounded number of slots', () => {
    const strands = new Strands();
    const main = strands.start({ hart: 0 });
    let highest = 0;
    for (let i = 0; i < 10_000; i++) {
      const strand = strands.start({ hart: 1 }, main);
      highest = Math.max(highest, strand.slot);
      strands.end(strand);
    }
    expect(highest).toBeLessThan(4096);
  });
});
