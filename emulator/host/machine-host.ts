/** Entry of a machine process: an Electron utility process, or a child process of plain Node. */

/** The one member of Electron's utility process that is used here; Electron's own types stay out of this room. */
interface ParentPort {
  postMessage(message: unknown): void;
}
const parent = (process as NodeJS.Process & { parentPort?: ParentPort }).parentPort;

if (parent) parent.postMessage({ type: 'ready' });
else if (process.send) process.send({ type: 'ready' });
else
  throw new Error(
    'machine-host is a child process entry: start it with utilityProcess.fork or fork',
  );
