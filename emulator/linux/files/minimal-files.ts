import { DEFAULT_GROUP, DEFAULT_USER, UTSNAME } from '../identity';
import { MemoryDirectory, MemoryFile } from './memory-nodes';

const FILES: Readonly<Record<string, string>> = {
  passwd:
    'root:x:0:0:root:/root:/bin/sh\n' +
    `user:x:${DEFAULT_USER}:${DEFAULT_GROUP}:user:/home/user:/bin/sh\n`,
  group: `root:x:0:\nuser:x:${DEFAULT_GROUP}:\n`,
  hostname: `${UTSNAME[1]}\n`,
  hosts: `127.0.0.1\tlocalhost ${UTSNAME[1]}\n`,
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
};

/** What a root in memory begins with: /etc with a few files, and a home. */
export function minimalFiles(root: MemoryDirectory): void {
  const { fileSystem } = root;
  const etc = root.add('etc', new MemoryDirectory(fileSystem));
  for (const [name, text] of Object.entries(FILES)) {
    const file = etc.add(name, new MemoryFile(fileSystem, 0o644));
    file.content.write(0, Buffer.from(text));
  }
  const home = root.add('home', new MemoryDirectory(fileSystem));
  home.add('user', new MemoryDirectory(fileSystem));
}
