import { readFileSync } from 'node:fs';
import * as v from 'valibot';

const Runs = v.object({
  runs: v.array(
    v.object({
      guest: v.string(),
      arguments: v.array(v.string()),
      input: v.optional(v.string(), ''),
      environment: v.optional(v.record(v.string(), v.string()), {}),
    }),
  ),
});

/** A bundled guest with arguments, input and variables that its expected output is known for. */
export type BundledRun = v.InferOutput<typeof Runs>['runs'][number];

/** All of `guests/expected`, in its order. */
export const BUNDLED_RUNS: readonly BundledRun[] = v.parse(
  Runs,
  JSON.parse(readFileSync('guests/expected/runs.json', 'utf8')),
).runs;

/** The first of each guest. */
export const FIRST_RUNS: readonly BundledRun[] = [
  ...new Map(BUNDLED_RUNS.toReversed().map((run) => [run.guest, run])).values(),
].toReversed();

export const titleOf = ({ guest, arguments: args }: BundledRun): string =>
  [guest, ...args].join(' ');
