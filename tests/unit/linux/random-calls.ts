import fc from 'fast-check';
import { SYSTEM_CALLS } from '../../../emulator/linux/syscalls/table';
import { DATA, endProcesses, TestProcess } from './process';

/** Arguments that a wild guest passes: small numbers, pointers good and bad, huge lengths, garbage. */
const argument = fc.oneof(
  fc.bigInt({ min: 0n, max: 16n }),
  fc.bigInt({ min: -8n, max: -1n }),
  fc.constantFrom(BigInt(DATA), BigInt(DATA + 0x800), BigInt(DATA + 0xfffc), 0n, 8n, -100n),
  fc.constantFrom(4096n, 0x1_0000n, 2n ** 31n, 2n ** 32n - 4096n, 2n ** 32n, 2n ** 53n, 2n ** 63n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

/** Most random calls have a number that Linux knows. */
const callNumber = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...SYSTEM_CALLS.map((call) => call.number)) },
  { weight: 1, arbitrary: fc.integer({ min: -5, max: 600 }) },
);

const calls = fc.array(fc.tuple(callNumber, fc.array(argument, { minLength: 6, maxLength: 6 })), {
  minLength: 200,
  maxLength: 200,
});

/**
 * Makes random system calls in processes of 200 calls each. Whatever is asked, a call must be done, park
 * or end the process: an exception is the host's fault.
 * @returns the number of calls made
 */
export function makeRandomCalls(processes: number, seed: number): number {
  let made = 0;
  const property = fc.property(calls, (list) => {
    const process = new TestProcess().start(['fuzz'], ['A=b']);
    process.stdin.give('some input\n');
    process.text('/dev/null', DATA + 0x800);
    for (const [number, args] of list) {
      const outcome = process.outcome(number, ...args);
      made++;
      // A process that waits for ever goes on with its next call, as after a signal.
      if (outcome.kind === 'exit' || outcome.kind === 'killed') break;
    }
    endProcesses();
  });
  fc.assert(property, { numRuns: processes, seed, endOnFailure: true });
  return made;
}
