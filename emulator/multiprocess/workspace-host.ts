import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { ToProcess } from './workspace-messages';

/**
 * How a machine gets processes for its workspace vCPUs. Whoever embeds a machine implements it: processes belong to
 * another thread (here the owner), because the thread that runs harts has no time for an event loop.
 */
export interface WorkspaceHost {
  /** Processes at a time. */
  readonly processes: number;
  /**
   * A new connection to the owner, for one machine. What comes in on it is counted by `mail`: 4 bytes, an i32 that the
   * owner increments after each message and notifies.
   */
  connect(): { readonly port: MessagePort; readonly mail: SharedArrayBuffer };
}

/** What a machine asks of the owner of its processes. The numbers are the machine's, from 1, and never used again. */
export type ToOwner =
  | { readonly type: 'start'; readonly process: number }
  | { readonly type: 'send'; readonly process: number; readonly messages: readonly ToProcess[] }
  | { readonly type: 'end'; readonly process: number }
  /** The machine ends, and all of its processes with it. */
  | { readonly type: 'close' };

export type FromOwner =
  /** The process runs and takes messages. */
  | { readonly type: 'ready'; readonly process: number; readonly pid: number }
  | { readonly type: 'messages'; readonly process: number; readonly messages: unknown }
  /** It has ended by itself. */
  | { readonly type: 'gone'; readonly process: number; readonly reason: string };

/** The machine's end of its connection: everything without an event loop. */
export class OwnerConnection {
  private readonly port: MessagePort;
  private readonly mail: Int32Array;

  constructor(host: WorkspaceHost) {
    const { port, mail } = host.connect();
    this.port = port;
    this.mail = new Int32Array(mail);
  }

  post(message: ToOwner): void {
    this.port.postMessage(message);
  }

  /** A message that has come in; undefined when there is none. */
  receive(): FromOwner | undefined {
    return receiveMessageOnPort(this.port)?.message as FromOwner | undefined;
  }

  /** Messages that have come in until now: for `await`. */
  get count(): number {
    return Atomics.load(this.mail, 0);
  }

  /** Sleeps until more than `count` messages have come in, or so many milliseconds have passed. */
  await(count: number, milliseconds: number): void {
    Atomics.wait(this.mail, 0, count, milliseconds);
  }

  close(): void {
    this.post({ type: 'close' });
    this.port.close();
  }
}

/** One process as its owner sees it. */
export interface OwnedProcess {
  send(messages: readonly ToProcess[]): void;
  /** Ends it at once; its end is not reported any more. */
  kill(): void;
}

/** What the owner is told about a process that it has started. */
export interface ProcessEvents {
  ready(pid: number): void;
  messages(messages: unknown): void;
  gone(reason: string): void;
}

/**
 * The owner's end of a connection: starts processes and passes messages on.
 * @param start starts one; it must not call the events before it returns
 */
export function ownProcesses(
  port: Pick<MessagePort, 'postMessage' | 'on' | 'close'>,
  mail: SharedArrayBuffer,
  start: (events: ProcessEvents) => OwnedProcess,
): { close(): void } {
  const owned = new Map<number, OwnedProcess>();
  const words = new Int32Array(mail);
  const tell = (message: FromOwner): void => {
    port.postMessage(message);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  };
  const begin = (process: number): void => {
    const isCurrent = (): boolean => owned.get(process) === started;
    const started = start({
      ready: (pid) => isCurrent() && tell({ type: 'ready', process, pid }),
      messages: (messages) => isCurrent() && tell({ type: 'messages', process, messages }),
      gone: (reason) => {
        if (!isCurrent()) return;
        owned.delete(process);
        tell({ type: 'gone', process, reason });
      },
    });
    owned.set(process, started);
  };
  const end = (process: number): void => {
    const ending = owned.get(process);
    owned.delete(process);
    ending?.kill();
  };
  const close = (): void => {
    for (const process of [...owned.keys()]) end(process);
    port.close();
  };
  port.on('message', (message: ToOwner) => {
    switch (message.type) {
      case 'start':
        return begin(message.process);
      case 'send':
        return owned.get(message.process)?.send(message.messages);
      case 'end':
        return end(message.process);
      case 'close':
        close();
    }
  });
  // The thread that has the machine has ended.
  port.on('close', close);
  return { close };
}
