/** The page's end of a machine: its port, and the typed requests over it. */
import { createBirpc, type BirpcReturn } from 'birpc';
import type { MachineEvents, MachineRequests } from '../emulator/debug/protocol';
import { MACHINE_PORT } from '../preload/api';

export interface MachineClient {
  readonly requests: MachineRequests;
  /** Rejects what is still unanswered with `reason` and lets the port go. */
  close(reason: string): void;
}

const arrived = new Map<number, MessagePort>();
const awaited = new Map<number, (port: MessagePort) => void>();

/** Must run before the first machine is created. */
export function receivePorts(): void {
  window.addEventListener('message', ({ source, data, ports }: MessageEvent) => {
    const [port] = ports;
    if (source !== window || port === undefined || !isPortMessage(data)) return;
    const take = awaited.get(data.machine);
    awaited.delete(data.machine);
    if (take) take(port);
    else arrived.set(data.machine, port);
  });
}

function isPortMessage(data: unknown): data is { machine: number } {
  if (typeof data !== 'object' || data === null) return false;
  const { kind, machine } = data as { kind?: unknown; machine?: unknown };
  return kind === MACHINE_PORT && typeof machine === 'number';
}

/** The port of a machine that main was asked for. */
export function machinePort(machine: number): Promise<MessagePort> {
  const port = arrived.get(machine);
  arrived.delete(machine);
  return port
    ? Promise.resolve(port)
    : new Promise((resolve) => {
        awaited.set(machine, resolve);
      });
}

export function connectMachine(port: MessagePort, events: MachineEvents): MachineClient {
  const rpc: BirpcReturn<MachineRequests, MachineEvents> = createBirpc(events, {
    post: (message) => port.postMessage(message),
    on: (deliver) => {
      // What a machine says in one turn comes together.
      port.onmessage = ({ data }: MessageEvent<readonly unknown[]>) => {
        for (const message of data) deliver(message);
      };
    },
    // A process that ends is reported by main; a guest that is slow is not an error.
    timeout: -1,
  });
  return {
    requests: rpc,
    close(reason) {
      rpc.$close(new Error(reason));
      port.close();
    },
  };
}
