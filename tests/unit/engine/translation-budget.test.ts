import { describe, expect, test } from 'vitest';
import {
  BUDGET_WORDS,
  CREDIT_MS,
  SHARE,
  TranslationBudget,
} from '../../../emulator/engine/translator/budget';
import { Candidates } from '../../../emulator/engine/translator/candidates';

/** A budget whose clock the test moves. */
function budgetWithClock() {
  const clock = { ms: 1000 };
  const words = new Int32Array(new SharedArrayBuffer(4 * BUDGET_WORDS));
  return { clock, words, budget: new TranslationBudget(words, () => clock.ms) };
}

/** Lets a hart run for so long, ten milliseconds at a time. */
function run({ clock, budget }: ReturnType<typeof budgetWithClock>, milliseconds: number): void {
  for (let at = 0; at < milliseconds; at += 10) {
    clock.ms += 10;
    budget.ran();
  }
}

function sampled(counts: readonly (readonly [pc: number, samples: number])[]): Candidates {
  const candidates = new Candidates();
  for (const [pc, samples] of counts) {
    for (let i = 0; i < samples; i++) candidates.sample(pc);
  }
  return candidates;
}

describe('the budget of translation', () => {
  test('begins with a credit, and grows by a part of the time that harts run', () => {
    const { budget, clock, words } = budgetWithClock();
    expect(budget.left).toBe(CREDIT_MS);
    budget.spent(CREDIT_MS + 10);
    expect(budget.left).toBe(-10);
    run({ budget, clock, words }, 100);
    expect(budget.left).toBeCloseTo(SHARE * 100 - 10);
  });

  test('does not grow while a hart waits, nor without end', () => {
    const state = budgetWithClock();
    state.clock.ms += 60_000;
    state.budget.ran();
    expect(state.budget.left).toBeLessThan(2 * CREDIT_MS);
    run(state, 60_000);
    expect(state.budget.left).toBeLessThan(5 * CREDIT_MS);
  });

  test('is the same for all threads', () => {
    const { budget, words } = budgetWithClock();
    const other = new TranslationBudget(words, () => 0);
    other.spent(12, 100);
    expect(budget.left).toBe(CREDIT_MS - 12);
    expect(budget.cost).toBe(other.cost);
  });

  test('lets fewer instructions be translated where each takes longer', () => {
    const { budget } = budgetWithClock();
    const first = budget.worth(1_000_000);
    for (let i = 0; i < 8; i++) budget.spent(1, 100);
    expect(budget.worth(1_000_000)).toBeGreaterThan(2 * first);
    expect(budget.worth(2_000_000)).toBeGreaterThan(1.9 * budget.worth(1_000_000));
  });
});

describe('candidates for translation', () => {
  test('come with three samples, the one with most of them first', () => {
    expect(sampled([[0x100, 2]]).best()).toBeUndefined();
    const candidates = sampled([
      [0x100, 3],
      [0x200, 5],
      [0x300, 4],
    ]);
    expect(candidates.best()).toEqual({ pc: 0x200, samples: 5 });
    candidates.tried(0x200);
    expect(candidates.best()).toEqual({ pc: 0x300, samples: 4 });
  });

  test('that were tried come again with twice the samples', () => {
    const candidates = sampled([[0x100, 3]]);
    candidates.tried(0x100);
    candidates.sample(0x100);
    candidates.sample(0x100);
    expect(candidates.best()).toBeUndefined();
    candidates.sample(0x100);
    expect(candidates.best()).toEqual({ pc: 0x100, samples: 6 });
  });

  test('are forgotten in time when nothing comes there any more', () => {
    const candidates = sampled([
      [0x100, 3],
      [0x200, 40_000],
    ]);
    candidates.delete(0x200);
    expect(candidates.best()).toBeUndefined();
  });
});
