import type { Executor } from './executor';
import type { MachineOptions } from './machine-options';
import type { Arena } from './memory/arena';
import { Interleaving } from './schedule/interleaving';
import type { Schedule } from './schedule/options';
import type { Entry } from './schedule/recording';

/** In which order the harts of a machine run, and what a repeatable run is made of. */
export interface ScheduleOptions {
  /** [`parallel`] */
  readonly schedule?: Schedule;
  /** Of an interleaved machine: told what comes from outside, for a later replay. */
  readonly record?: (entry: Entry) => void;
  /** Of an interleaved machine: what comes from outside, instead of what `streams` gives and is typed. */
  readonly replay?: readonly Entry[];
}

export interface ScheduledOptions extends MachineOptions {
  readonly interleaving?: Interleaving;
}

/**
 * The options as their schedule wants them: an interleaved machine has a clock that counts instructions and, unless the
 * embedder gives others, random numbers from its seed. A pool is not used.
 * @throws Error when the schedule is impossible
 */
export function withSchedule(options: MachineOptions): ScheduledOptions {
  const { schedule = 'parallel', streams, record, replay } = options;
  if (schedule === 'parallel') {
    if (record ?? replay)
      throw new Error('Only an interleaved machine can be recorded and replayed.');
    return options;
  }
  const interleaving = new Interleaving({
    schedule,
    streams,
    ...(record && { record }),
    ...(replay && { replay }),
  });
  const { clock, random, streams: watched } = interleaving.kernel;
  return { random, ...options, clock, streams: watched, interleaving };
}

/** Ties an interleaved machine's schedule to its counts. */
export function attachSchedule(
  interleaving: Interleaving | undefined,
  { harts, processes }: Pick<Executor, 'harts' | 'processes'>,
  { events }: Arena,
): void {
  interleaving?.attach({
    retired: () => harts.elapsed,
    events: () => events.count,
    untilTimer: () =>
      processes
        .list()
        .reduce((least, { kernel }) => Math.min(least, kernel.timers.untilNext), Infinity),
  });
}
