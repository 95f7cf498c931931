import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import type { LaunchList, OneHartLaunch } from '../../emulator/debug/protocol-launches';
import { OtherMachine } from '../other-machine';
import { useMachine } from './machine';

const CANCELLED = 'The run on one vCPU was cancelled.';

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
    await ending?.end(CANCELLED);
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
      const started = await OtherMachine.start(program);
      if (mine !== attempt) return await started.end(CANCELLED);
      other = started;
      const words = args.value.split(' ').filter((word) => word !== '');
      await started.run(words, [...options.environment, 'HARTSCOPE_VCPUS=1'], ' on one vCPU');
      if (mine !== attempt) return;
      const counted = await started.requests.launches('instructions');
      const timed = await started.requests.launches('time');
      if (counted.launches.length === 0) {
        throw new Error(`${program.name} has no launch on one vCPU.`);
      }
      if (mine !== attempt) return;
      await machine.requests().compareLaunches(inBoth(counted, timed), counted.earlier);
      machine.touched();
    } catch (error) {
      if (mine === attempt) problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      if (mine === attempt) await cancel();
    }
  }

  /** From now on launches are compared with none. */
  async function drop(): Promise<void> {
    await machine.requests().compareLaunches([], 0);
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

/** The same launches with their durations in both units. */
const inBoth = (counted: LaunchList, timed: LaunchList): OneHartLaunch[] =>
  counted.launches.flatMap(({ instructions, duration }, place) => {
    const time = timed.launches[place]?.duration;
    return time === undefined
      ? []
      : [{ instructions, durations: { instructions: duration, time } }];
  });
