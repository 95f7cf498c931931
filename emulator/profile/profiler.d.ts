import type { Engine } from '../engine/engine';
import type { Hart } from '../multiprocess/hart';
import { type HartProfile } from './model';
/** What is counted besides executions. */
export interface ProfileOptions {
  /** Who called whom; costs more [true]. */
  readonly calls?: boolean;
}
/** Counts what the harts of a machine run. The machine tells it what becomes of them. */
export declare class Profiler {
  private readonly engineOf;
  private readonly options;
  private readonly counters;
  private readonly ran;
  private readonly done;
  /** @param engineOf what runs a hart on this thread */
  constructor(engineOf: (hart: Hart) => Engine, options?: ProfileOptions);
  made(): void;
  entered(hart: Hart): void;
  calls(): void;
  returned(): void;
  ended(hart: Hart): void;
  /** What all harts have run so far, those that have ended included; the main VM's first. */
  harts(): readonly HartProfile[];
  /** A hart has one, or one for each program that its process has run. */
  private profilesOf;
}
