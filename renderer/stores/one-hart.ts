import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { MAX_COMPARED_LAUNCHES, type OneHartLaunch } from '../../emulator/debug/protocol-launches';
import { OtherMachine } from '../other-machine';
import { useMachine } from './machine';

/** Runs the open program on one vCPU, in a machine process of its own, so that its launches are compared with those. */
export const useOneHart = defineStore('one-hart', () => {
  const machine = useMachine();
  const running = ref(false);
  const problem = ref('');
  /** Arguments of the run; null: those that the program was opened with. */
  const template = ref<string | null>(null);
  const args = computed({
    get: () => template.value ?? machine.options.args.join(' '),
    set: (text) => (template.value = text),
  });
  /** Which run is the latest: one that was cancelled changes nothing any more. */
  let attempt = 0;
  let other: OtherMachine | null = null;

  async function cancel(): Promise<void> {
    attempt++;
    running.value = false;
    const ending = other;
    other = null;
    await ending?.end('The run on one vCPU was cancelled.');
  }

  /** Compares the launches of the window's machine with those of a run that begins now. */
  async function start(): Promise<void> {
    await cancel();
    const { program, options } = machine;
    if (program === null || machine.phase !== 'open') return;
    const mine = attempt;
    running.value = true;
    problem.value = '';
    try {
      other = await OtherMachine.start(program);
      if (mine !== attempt) return;
      const words = args.value.split(' ').filter((word) => word !== '');
      await other.run(words, [...options.environment, 'HARTSCOPE_VCPUS=1'], ' on one vCPU');
      if (mine !== attempt) return;
      const launches = await launchesOf(other);
      if (launches.length === 0) throw new Error(`${program.name} has no launch on one vCPU.`);
      if (mine !== attempt) return;
      await machine.requests().compareLaunches(launches);
      machine.touched();
    } catch (error) {
      if (mine === attempt) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === attempt) await cancel();
    }
  }

  /** From now on launches are compared with none. */
  async function drop(): Promise<void> {
    await machine.requests().compareLaunches([]);
    machine.touched();
  }

  // Another program does other work.
  watch(
    () => machine.program?.path,
    () => {
      template.value = null;
      problem.value = '';
      void cancel();
    },
  );

  return { running, problem, args, start, cancel, drop };
});

async function launchesOf({ requests }: OtherMachine): Promise<OneHartLaunch[]> {
  const [counted, timed] = [
    await requests.launches('instructions'),
    await requests.launches('time'),
  ];
  return counted.launches.slice(0, MAX_COMPARED_LAUNCHES).map((row, place) => ({
    instructions: row.instructions,
    durations: {
      instructions: row.duration,
      time: timed.launches[place]?.duration ?? row.duration,
    },
  }));
}
