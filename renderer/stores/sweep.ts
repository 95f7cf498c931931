import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { scalingCurves, type ScalingCurve, type SweepRun } from '../../emulator/profile/scaling';
import type { ProgramFile } from '../../preload/api';
import { OtherMachine } from '../other-machine';

export interface SweepOptions {
  readonly vcpus: readonly number[];
  readonly modes: readonly string[];
  /** Runs of each; the best time counts. */
  readonly repeat: number;
  /** argv without argv[0]; {n} stands for the number of vCPUs and {mode} for the mode. */
  readonly args: readonly string[];
  readonly environment: readonly string[];
}

interface Variant {
  readonly mode: string;
  readonly vcpus: number;
}

const CANCELLED = 'The sweep has ended.';

/** Runs a program with several numbers of vCPUs and modes, in a machine process of its own, and keeps how it scales. */
export const useSweep = defineStore('sweep', () => {
  /** Runs that are done, and how many there will be; null: no sweep is in progress. */
  const progress = shallowRef<{ readonly done: number; readonly all: number } | null>(null);
  const curves = shallowRef<readonly ScalingCurve[]>([]);
  /** The program that the curves are of. */
  const program = ref('');
  const problem = ref('');
  /** Which sweep is the latest: one that was cancelled changes nothing any more. */
  let attempt = 0;
  let machine: OtherMachine | null = null;

  /** Ends the sweep in progress; what it has found so far stays. */
  async function cancel(): Promise<void> {
    attempt++;
    progress.value = null;
    await release();
  }

  async function release(): Promise<void> {
    const ending = machine;
    machine = null;
    await ending?.end(CANCELLED);
  }

  async function start(file: ProgramFile, options: SweepOptions): Promise<void> {
    await cancel();
    const mine = attempt;
    const variants = options.modes.flatMap((mode) =>
      options.vcpus.map((vcpus): Variant => ({ mode, vcpus })),
    );
    const all = options.repeat * variants.length;
    const best = new Map<Variant, SweepRun>();
    problem.value = '';
    curves.value = [];
    program.value = file.name;
    progress.value = { done: 0, all };
    try {
      const started = await OtherMachine.start(file);
      if (mine !== attempt) return await started.end(CANCELLED);
      machine = started;
      // Rounds go over all variants, so that what slows the host down for a while slows all of them.
      for (let round = 0; round < options.repeat; round++) {
        for (const variant of variants) {
          if (mine !== attempt) return;
          const run = await runOnce(started, variant, options);
          if (mine !== attempt) return;
          const known = best.get(variant);
          if (!known || run.time < known.time) best.set(variant, run);
          progress.value = { done: progress.value.done + 1, all };
          const runs = [...best.values()];
          if (runs.some(({ vcpus }) => vcpus === 1)) curves.value = scalingCurves(runs);
        }
      }
    } catch (error) {
      if (mine === attempt) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === attempt) {
        progress.value = null;
        await release();
      }
    }
  }

  return { progress, curves, program, problem, start, cancel };
});

async function runOnce(
  machine: OtherMachine,
  { mode, vcpus }: Variant,
  { args, environment }: SweepOptions,
): Promise<SweepRun> {
  const filled = args.map((arg) => arg.replaceAll('{n}', String(vcpus)).replaceAll('{mode}', mode));
  const { time, instructions } = await machine.run(
    filled,
    [...environment, `HARTSCOPE_VCPUS=${vcpus}`, `HARTSCOPE_MODE=${mode}`],
    ` in mode ${mode} with ${vcpus} vCPUs`,
  );
  return { mode, vcpus, time, instructions };
}
