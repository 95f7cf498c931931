// Runs a program with four vCPUs three times: twice with one seed, once with another.
// Run `npm run build` first, then: node docs/examples/repeat.mjs
import { readFileSync } from 'node:fs';
import { formatEvent, Machine } from '../../out/emulator/index.js';

const elf = readFileSync(new URL('../../guests/bin/mp-histogram.elf', import.meta.url));
const silent = { isTerminal: false, write: (bytes) => bytes.length };
const streams = {
  stdin: { isTerminal: false, read: () => 'eof' },
  stdout: silent,
  stderr: silent,
};

/** All that happens to harts and pages, line by line. */
function eventsOf(seed) {
  const schedule = { kind: 'interleaved', quantum: 200, seed };
  const machine = Machine.create({ elf, streams, memoryLimit: 32 << 20, schedule });
  const lines = [];
  machine.arena.events.listener = (event) => lines.push(formatEvent(event));
  machine.runToEnd();
  machine.dispose();
  return lines.join('\n');
}

const first = eventsOf(1);
console.log(eventsOf(1) === first ? 'the same' : 'different');
console.log(eventsOf(2) === first ? 'the same again' : 'another interleaving');
