import { afterEach, describe, expect, test } from 'vitest';
import { check, closeMachines, DATA, EXIT, JOIN, kinds, start } from './race-guests';

afterEach(closeMachines);

const LOCK = DATA + 0x100;

/** Two vCPUs add 1 to the word at DATA 50 times between `lock` and `unlock`; t0 = DATA, t1 = LOCK. */
function counter(lock: string, unlock: string): ReturnType<typeof check> {
  return check(
    `_start: ${start('call', 2)} ${JOIN} ${EXIT}
    work: li t0, ${DATA}
      li t1, ${LOCK}
      li s0, 50
    round:
      ${lock}
      lw t2, 0(t0)
      addi t2, t2, 1
      sw t2, 0(t0)
      ${unlock}
      addi s0, s0, -1
      bnez s0, round
      ret`,
  );
}

/** One vCPU writes data and then `publish`es (t1 = LOCK, t2 = 1); the other one `wait`s and reads the data. */
function handOver(publish: string, wait: string): ReturnType<typeof check> {
  return check(
    `_start: ${start('shared', 2)} ${JOIN} ${EXIT}
    work: li t0, ${DATA}
      li t1, ${LOCK}
      li t2, 1
      beqz a0, writer
      ${wait}
      ld t3, 0(t0)
      ret
    writer: li t3, 20000
    later: addi t3, t3, -1
      bnez t3, later
      sd t0, 0(t0)
      ${publish}
      ret`,
  );
}

const WAIT_PLAIN = (behind: string): string => `spin: lw t3, 0(t1)\n ${behind}\n beqz t3, spin`;

describe('locks', () => {
  test('of AMOSWAP with acquire and release order', () => {
    const checked = counter(
      `li t3, 1
       take: amoswap.w.aq t4, t3, (t1)
       bnez t4, take`,
      'amoswap.w.rl zero, zero, (t1)',
    );
    expect(checked.report.races).toEqual([]);
    expect(checked.machine.space.readU32(DATA)).toBe(100);
  });

  test('of LR and SC with acquire and release order', () => {
    const checked = counter(
      `li t3, 1
       take: lr.w.aq t4, (t1)
       bnez t4, take
       sc.w t4, t3, (t1)
       bnez t4, take`,
      'amoswap.w.rl zero, zero, (t1)',
    );
    expect(checked.report.races).toEqual([]);
    const released = counter(
      `li t3, 1
       take: lr.w.aq t4, (t1)
       bnez t4, take
       sc.w t4, t3, (t1)
       bnez t4, take`,
      `give: lr.w t4, (t1)
       sc.w.rl t4, zero, (t1)
       bnez t4, give`,
    );
    expect(released.report.races).toEqual([]);
    const late = counter(
      `li t3, 1
       take: lr.w t4, (t1)
       bnez t4, take
       sc.w.aq t4, t3, (t1)
       bnez t4, take`,
      'amoswap.w.rl zero, zero, (t1)',
    );
    expect(late.report.races).toEqual([]);
  });

  test('of relaxed AMOs order with fences around them, and do not without', () => {
    const take = 'li t3, 1\n take: amoswap.w t4, t3, (t1)\n bnez t4, take\n';
    const give = 'amoswap.w zero, zero, (t1)';
    expect(counter(`${take} fence r, rw`, `fence rw, w\n ${give}`).report.races).toEqual([]);
    expect(kinds(counter(take, give))).toContain('store, load');
    // Half of it is not enough.
    expect(kinds(counter(`${take} fence r, rw`, give))).toContain('store, load');
    expect(kinds(counter(take, `fence rw, w\n ${give}`))).toContain('store, load');
  });

  test('that is given back by a plain store behind a fence orders', () => {
    const take = 'li t3, 1\n take: amoswap.w.aq t4, t3, (t1)\n bnez t4, take\n';
    expect(counter(take, 'fence rw, w\n sw zero, 0(t1)').report.races).toEqual([]);
    expect(kinds(counter(take, 'sw zero, 0(t1)'))).toContain('store, atomic store');
  });

  test('of another address order nothing', () => {
    const checked = counter(
      `add t1, t1, a0
       add t1, t1, a0
       add t1, t1, a0
       add t1, t1, a0
       li t3, 1
       amoswap.w.aq t4, t3, (t1)`,
      `amoswap.w.rl zero, zero, (t1)
       li t1, ${LOCK}`,
    );
    expect(kinds(checked)).toContain('store, load');
  });
});

describe('a flag', () => {
  test('that is stored behind a release fence and loaded before an acquire fence orders', () => {
    const loop = WAIT_PLAIN('fence r, rw');
    expect(handOver('fence rw, w\n sw t2, 0(t1)', loop).report.races).toEqual([]);
    expect(handOver('fence rw, rw\n sw t2, 0(t1)', WAIT_PLAIN('fence')).report.races).toEqual([]);
    expect(handOver('fence.tso\n sw t2, 0(t1)', WAIT_PLAIN('fence.tso')).report.races).toEqual([]);
  });

  test('with the acquire fence behind the loop orders too', () => {
    const checked = handOver('fence rw, w\n sw t2, 0(t1)', `${WAIT_PLAIN('')}\n fence r, rw`);
    expect(checked.report.races).toEqual([]);
  });

  test('without the one or the other fence does not, and is a race itself', () => {
    const noAcquire = handOver('fence rw, w\n sw t2, 0(t1)', WAIT_PLAIN(''));
    expect(noAcquire.report.races.map(({ address }) => address)).toContain(DATA);
    const noRelease = handOver('sw t2, 0(t1)', WAIT_PLAIN('fence r, rw'));
    expect(noRelease.report.races.map(({ address }) => address)).toEqual([LOCK, DATA]);
    expect(noRelease.report.races[0]).toMatchObject({ first: { access: 'store' } });
  });

  test('set by an AMO that releases and read by a load before a fence orders', () => {
    const checked = handOver('amoor.w.rl zero, t2, (t1)', WAIT_PLAIN('fence r, rw'));
    expect(checked.report.races).toEqual([]);
  });

  test('with fences of the wrong kind does not order', () => {
    const checked = handOver('fence r, r\n sw t2, 0(t1)', WAIT_PLAIN('fence w, w'));
    expect(kinds(checked).length).toBeGreaterThan(0);
  });
});

describe('atomic accesses', () => {
  test('do not race with each other, nor with plain loads, but with plain stores', () => {
    const first = (other: string): ReturnType<typeof check> =>
      check(
        `_start: ${start('call', 2)} ${JOIN} ${EXIT}
        work: li t0, ${DATA}
         beqz a0, other
         amoadd.d zero, t0, (t0)
         ret
        other: ${other}
         ret`,
      );
    expect(first('amoadd.d zero, t0, (t0)').report.races).toEqual([]);
    expect(first('lr.d t1, (t0)').report.races).toEqual([]);
    expect(first('ld t1, 0(t0)').report.races).toEqual([]);
    expect(kinds(first('sd t1, 0(t0)'))).toEqual(['store, atomic store']);
  });
});

describe('futexes', () => {
  /** Main waits in the kernel for a word that the vCPU changes with a relaxed AMO; `wake` is all that orders. */
  const waits = (wake: string): ReturnType<typeof check> =>
    check(
      `_start: ${start('shared', 1)}
        mv s1, a0
        li a0, ${LOCK}
        li a1, 128
        li a2, 0
        li a3, 0
        li a7, 98
        ecall
        li t0, ${DATA}
        ld t1, 0(t0)
        mv a0, s1
        ${JOIN} ${EXIT}
      work: li t0, ${DATA}
        li t1, ${LOCK}
        li t2, 30000
      later: addi t2, t2, -1
        bnez t2, later
        sd t0, 0(t0)
        li t2, 1
        amoswap.w zero, t2, (t1)
        ${wake}
        ret`,
    );

  test('order who wakes before who is woken', () => {
    const checked = waits('li a0, ' + LOCK + '\n li a1, 129\n li a2, 1\n li a7, 98\n ecall');
    expect(checked.report.races).toEqual([]);
  });
});

describe('threads of Linux', () => {
  const CLONE_FLAGS = 0x3d0f00;
  const TID = DATA + 0x200;
  /** Main clones a thread that stores at DATA and exits; main waits for its end as pthread_join does. */
  const clone = (wait: string): ReturnType<typeof check> =>
    check(
      `_start: li s0, ${DATA}
        sd s0, 0(s0)
        li a0, ${CLONE_FLAGS}
        li a1, ${DATA + 0x3000}
        li a2, ${TID}
        li a3, 0
        li a4, ${TID}
        li a7, 220
        ecall
        beqz a0, thread
        ${wait}
        ld t0, 0(s0)
        ${EXIT}
      thread: ld t0, 0(s0)
        sd t0, 0(s0)
        li a0, 0
        li a7, 93
        ecall`,
    );

  test('a thread knows what its maker did; the word that is cleared at its end orders', () => {
    const join = `li t1, ${TID}
      again: lw a2, 0(t1)
        beqz a2, gone
        mv a0, t1
        li a1, 0
        li a3, 0
        li a7, 98
        ecall
        j again
      gone: fence r, rw`;
    expect(clone(join).report.races).toEqual([]);
  });

  test('without waiting for it main races with it', () => {
    expect(kinds(clone('')).length).toBe(1);
  });
});
