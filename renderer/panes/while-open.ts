import { useLog } from '../stores/log';
import { useMachine } from '../stores/machine';

/** Asks the machine for something, and says what is wrong when it cannot answer. */
export type WhileOpen = (ask: () => Promise<void>) => Promise<void>;

/**
 * What asks the machine while a program is open. A machine that has gone cannot answer: that is reported elsewhere, and
 * nothing is said here.
 */
export function useWhileOpen(): WhileOpen {
  const machine = useMachine();
  const log = useLog();
  return async (ask) => {
    if (machine.phase !== 'open') return;
    try {
      await ask();
    } catch (error) {
      if (machine.phase === 'open') log.fail(error);
    }
  };
}
