import type { MachineEvents } from './protocol';

/** What a debugger session gets from the thread it runs on. */
export interface SessionHost {
  /** The client's side: each call is one message to it, none waits for an answer. */
  readonly events: MachineEvents;
  /**
   * Lets requests that have come in be answered; the session awaits it after every quantum of guest
   * code. Resolves after one turn of the event loop, some microseconds when nothing is there to do.
   */
  safepoint(): Promise<void>;
  /** True once a client has asked for a pause, even before the request itself has been delivered. */
  pauseRequested(): boolean;
  /** Takes the pause request back: the session has stopped. */
  clearPause(): void;
}
