import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import type { MachineEvents, MachineState } from '../../emulator/debug/protocol';
import { scalingCurves, type ScalingCurve, type SweepRun } from '../../emulator/profile/scaling';
import type { ProgramFile } from '../../preload/api';
import { connectMachine, machinePort, type MachineClient } from '../machine-client';

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
  let machine: number | null = null;
  let client: MachineClient | null = null;

  /** Ends the sweep in progress; what it has found so far stays. */
  async function cancel(): Promise<void> {
    attempt++;
    progress.value = null;
    await release();
  }

  async function release(): Promise<void> {
    const ending = machine;
    machine = null;
    client?.close('The sweep has ended.');
    client = null;
    if (ending !== null) await window.hartscope.endMachine(ending);
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
      machine = await window.hartscope.createMachine(file.sha256);
      const stops = new Stops();
      client = connectMachine(await machinePort(machine), stops.events);
      // Rounds go over all variants, so that what slows the host down for a while slows all of them.
      for (let round = 0; round < options.repeat; round++) {
        for (const variant of variants) {
          if (mine !== attempt || client === null) return;
          const run = await runOnce(client, stops, file, variant, options);
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

/** Waits for a machine's stops. */
class Stops {
  private awaited: ((state: MachineState) => void) | undefined;
  private text = '';
  private readonly decoder = new TextDecoder();

  readonly events: MachineEvents = {
    stateChanged: (state) => {
      if (state.running || !state.stop || state.stop.kind === 'entry') return;
      this.awaited?.(state);
      this.awaited = undefined;
    },
    // The last words of a program that fails say why.
    output: (bytes) => (this.text = (this.text + this.decoder.decode(bytes)).slice(-300)),
    breakpointsChanged: () => undefined,
    message: () => undefined,
  };

  next(): Promise<MachineState> {
    this.text = '';
    return new Promise((resolve) => (this.awaited = resolve));
  }

  get lastWords(): string {
    return this.text.trim().split('\n').at(-1) ?? '';
  }
}

async function runOnce(
  { requests }: MachineClient,
  stops: Stops,
  file: ProgramFile,
  { mode, vcpus }: Variant,
  { args, environment }: SweepOptions,
): Promise<SweepRun> {
  const filled = args.map((arg) => arg.replaceAll('{n}', String(vcpus)).replaceAll('{mode}', mode));
  await requests.open({
    name: file.name,
    elf: file.bytes,
    args: [file.name, ...filled],
    environment: [...environment, `HARTSCOPE_VCPUS=${vcpus}`, `HARTSCOPE_MODE=${mode}`],
    columns: 80,
    rows: 24,
  });
  const stopped = stops.next();
  const begun = performance.now();
  await requests.run();
  const { stop, instructions } = await stopped;
  const time = 1e6 * (performance.now() - begun);
  if (stop?.kind === 'exited' && stop.status === 0) return { mode, vcpus, time, instructions };
  const how = stop?.kind === 'exited' ? `status ${stop.status}` : (stop?.kind ?? 'no stop');
  const words = stops.lastWords === '' ? '' : `: ${stops.lastWords}`;
  throw new Error(
    `${file.name} in mode ${mode} with ${vcpus} vCPUs ended with ${how}${words}. Run it alone to see why.`,
  );
}
