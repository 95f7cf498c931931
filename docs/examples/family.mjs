// Two machines in one arena: pages of one are lent to a function of the other, forks go their own ways, and a
// missing page is made when somebody touches it. Run `npm run build` first, then: node docs/examples/family.mjs
import { readFileSync } from 'node:fs';
import { Machine, READ, WRITE } from '../../out/emulator/index.js';

const elf = readFileSync(new URL('../../guests/bin/dot.elf', import.meta.url));
const silent = { isTerminal: false, write: (bytes) => bytes.length };
const streams = {
  stdin: { isTerminal: false, read: () => 'eof' },
  stdout: silent,
  stderr: silent,
};

const client = Machine.create({ elf, args: ['dot'], memoryLimit: 16 << 20, streams });
const server = Machine.create({ elf, args: ['dot'], streams, family: client });

// Arguments in pages of the client: two arrays of four floats.
const arrays = 0x6000_0000;
client.space.map(arrays, 4096, READ | WRITE);
client.space.write(arrays, new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer));
client.space.write(arrays + 16, new Uint8Array(new Float32Array([1, 1, 2, 2]).buffer));

// A call in the server's machine, which sees these pages for as long as it lasts.
const lend = [{ from: client.space, address: arrays, length: 32 }];
const { single } = server.call('dot', [arrays, arrays + 16, 4], { lend });
console.log(`dot product, computed by the other machine: ${single}`);

// A fork has all that was written, and goes its own way from here.
const fork = client.fork();
fork.space.write(arrays, new Uint8Array(new Float32Array([0, 0, 0, 1]).buffer));
const inFork = fork.call('dot', [arrays, arrays + 16, 4]).single;
const inClient = client.call('dot', [arrays, arrays + 16, 4]).single;
console.log(`in the fork ${inFork}, in its origin ${inClient}`);

// Pages that are made when they are touched.
fork.space.hooks.onMissingPage = (page, access) => {
  if (page !== 0x70000) return false;
  console.log(`a ${access} at 0x${(page * 4096).toString(16)}`);
  fork.space.install(page, new Uint8Array(new Float32Array([5, 5, 5, 5]).buffer), READ);
  return true;
};
const made = fork.call('dot', [0x7000_0000, arrays + 16, 4]).single;
console.log(`with the page that was made: ${made}`);

for (const machine of [fork, server, client]) machine.dispose();
