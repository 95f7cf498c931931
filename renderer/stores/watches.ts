import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { HartValue } from '../../emulator/debug/protocol';
import { useMachine } from './machine';

/** More would only make every stop slower. */
const MOST = 32;

/** What an expression gave at the last stop. */
export interface WatchResult {
  readonly values: readonly HartValue[];
  /** Why the expression cannot be read. */
  readonly problem?: string;
}

/** Expressions that are evaluated on every hart at each stop. */
export const useWatches = defineStore('watches', () => {
  const machine = useMachine();
  const expressions = ref<readonly string[]>([]);
  const results = shallowRef<ReadonlyMap<string, WatchResult>>(new Map());

  /** Evaluates all of them; the machine must be open. */
  async function evaluate(): Promise<ReadonlyMap<string, WatchResult>> {
    const asked = expressions.value;
    const answers = await Promise.all(asked.map(evaluateOne));
    results.value = new Map(asked.map((text, n) => [text, answers[n] ?? { values: [] }]));
    return results.value;
  }

  async function evaluateOne(text: string): Promise<WatchResult> {
    try {
      return { values: await machine.requests().evaluateOnAll(text) };
    } catch (error) {
      // It cannot be read: the row says so, and the other rows are as they are.
      return { values: [], problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @returns why it is not taken */
  function add(text: string): string | undefined {
    const given = text.trim();
    if (given === '') return 'Write an expression: a0 + 8, u32(sp), hart.';
    if (expressions.value.includes(given)) return `${given} is there already.`;
    if (expressions.value.length >= MOST) return `There are ${MOST} expressions: remove one first.`;
    expressions.value = [...expressions.value, given];
    machine.touched();
    return undefined;
  }

  function remove(text: string): void {
    expressions.value = expressions.value.filter((each) => each !== text);
  }

  /** Puts other expressions in the place of all that there are. */
  function replace(texts: readonly string[]): void {
    expressions.value = [...new Set(texts)].slice(0, MOST);
    machine.touched();
  }

  return { expressions, results, evaluate, add, remove, replace };
});
