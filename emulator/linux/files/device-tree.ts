import { ERRNO } from '../abi/errno';
import { MemoryDevice, type DeviceBehaviour } from './devices';
import type { MemoryFileSystem } from './attributes';
import { DeviceNode, MemoryDirectory, MemoryLink } from './memory-nodes';
import { refuse, type ProcessView } from './node';
import { makeDevice } from './open-file';
import { StreamFile } from './stream-file';

/** Numbers of the devices (Documentation/admin-guide/devices.txt). */
const MEMORY_MAJOR = 1;
const TTY_MAJOR = 5;

/** Links in /dev to the process's own descriptors. */
const LINKS: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
};

/** Builds /dev. */
export function makeDevices(fileSystem: MemoryFileSystem): MemoryDirectory {
  const root = new MemoryDirectory(fileSystem);
  const memory = (
    name: string,
    minor: number,
    behaviour: (process: ProcessView) => DeviceBehaviour,
  ): void => {
    root.add(
      name,
      new DeviceNode(fileSystem, makeDevice(MEMORY_MAJOR, minor), (request, node) => {
        return new MemoryDevice(request, node, behaviour(request.process));
      }),
    );
  };
  const fill = (bytes: Uint8Array): void => void bytes.fill(0);
  const random = (process: ProcessView): DeviceBehaviour => ({
    fill: (bytes) => process.fillRandom(bytes),
  });
  memory('null', 3, () => ({}));
  memory('zero', 5, () => ({ fill, zero: true }));
  memory('full', 7, () => ({ fill, writeError: ERRNO.ENOSPC }));
  memory('random', 8, random);
  memory('urandom', 9, random);
  root.add('tty', terminal(fileSystem));
  for (const [name, target] of Object.entries(LINKS)) {
    root.add(name, new MemoryLink(fileSystem, target));
  }
  root.add('shm', new MemoryDirectory(fileSystem, 0o1777));
  return root;
}

/** /dev/tty: the terminal that the process was started at, if it was. */
function terminal(fileSystem: MemoryFileSystem): DeviceNode {
  return new DeviceNode(fileSystem, makeDevice(TTY_MAJOR, 0), ({ process, flags, path }, node) => {
    const { stdin, stdout, stderr } = process.streams;
    const output = [stdout, stderr].find((stream) => stream.isTerminal);
    const input = stdin.isTerminal ? stdin : undefined;
    if (input === undefined && output === undefined) {
      refuse(ERRNO.ENXIO, 'the process has no terminal');
    }
    return new StreamFile(path, flags, input, output, node.attributes.inode);
  });
}
