/**
 * Entry of a process that runs workspace vCPUs: a child process of the command line, or an Electron utility process.
 * It ends when nobody is at the other end any more.
 */
import { WorkspaceRunner } from '../multiprocess/workspace-runner';
import type { ElectronPort } from './messages';

const { parentPort } = process as NodeJS.Process & { parentPort?: ElectronPort };

// Ctrl+C in a terminal goes to all of its processes; whether it ends the machine is not decided here.
process.on('SIGINT', () => undefined);

if (parentPort) {
  parentPort.on('message', ({ ports: [machine] }) => {
    const runner = new WorkspaceRunner({
      send: (messages) => machine.postMessage(messages),
      later: (callback) => void setImmediate(callback),
    });
    machine.on('message', ({ data }) => runner.receive(data));
    machine.on('close', () => process.exit(0));
    machine.start();
  });
} else {
  const runner = new WorkspaceRunner({
    // The machine may be gone just now.
    send: (messages) => process.send?.(messages, undefined, undefined, endWithoutReader),
    later: (callback) => void setImmediate(callback),
  });
  process.on('message', (message) => runner.receive(message));
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready', undefined, undefined, endWithoutReader);
}

function endWithoutReader(error: Error | null): void {
  if (error) process.exit(0);
}
