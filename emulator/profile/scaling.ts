/** How a program's time changes with the number of vCPUs and the mode: a sweep of runs, and its table. */

/** One run of a sweep. */
export interface SweepRun {
  /** `plain` for the program without vCPUs. */
  readonly mode: string;
  readonly vcpus: number;
  /** Nanoseconds, the best of the repetitions. */
  readonly time: number;
  /** Instructions retired by all harts. */
  readonly instructions: number;
}

export interface ScalingPoint extends SweepRun {
  /** Time of the reference ÷ time. */
  readonly speedUp: number;
  /** Speed-up ÷ vCPUs. */
  readonly efficiency: number;
  /** Instructions of the reference ÷ instructions. */
  readonly instructionScaling: number;
}

export interface ScalingCurve {
  readonly mode: string;
  /** By number of vCPUs. */
  readonly points: readonly ScalingPoint[];
  /** The fewest vCPUs with which the mode is faster than the reference; undefined when it never is. */
  readonly breakEven: number | undefined;
}

/** Whether there is a run that the others can be compared with. */
export function hasReference(runs: readonly SweepRun[]): boolean {
  return runs.some(({ mode, vcpus }) => mode === 'plain' || vcpus === 1);
}

/** The reference of a sweep: the plain run, or the fastest with one vCPU where there is none. */
export function referenceOf(runs: readonly SweepRun[]): SweepRun {
  const plain = runs.filter(({ mode }) => mode === 'plain');
  const candidates = plain.length > 0 ? plain : runs.filter(({ vcpus }) => vcpus === 1);
  if (candidates.length === 0) throw new Error('a sweep needs a plain run or one with one vCPU');
  return candidates.reduce((best, each) => (each.time < best.time ? each : best));
}

/** A curve for each mode, in the order in which modes first appear; the plain run is the reference. */
export function scalingCurves(runs: readonly SweepRun[]): ScalingCurve[] {
  const reference = referenceOf(runs);
  const modes = [...new Set(runs.map(({ mode }) => mode))].filter((mode) => mode !== 'plain');
  return modes.map((mode) => {
    const points = runs
      .filter((run) => run.mode === mode)
      .sort((a, b) => a.vcpus - b.vcpus)
      .map((run): ScalingPoint => {
        const speedUp = reference.time / run.time;
        return {
          ...run,
          speedUp,
          efficiency: speedUp / run.vcpus,
          instructionScaling:
            run.instructions === 0 ? 1 : reference.instructions / run.instructions,
        };
      });
    return { mode, points, breakEven: points.find(({ speedUp }) => speedUp > 1)?.vcpus };
  });
}

/**
 * The work at which a mode begins to pay, from its overhead and from how much faster it is once it runs:
 * with overhead o and speed-up s on large work, t = o + t/s gives t = o ÷ (1 − 1/s).
 * @param overhead nanoseconds that an empty task takes
 * @param speedUp of work so large that the overhead does not matter
 * @returns nanoseconds of work on one hart; undefined when it never pays
 */
export function breakEvenWork(overhead: number, speedUp: number): number | undefined {
  return speedUp > 1 ? overhead / (1 - 1 / speedUp) : undefined;
}
