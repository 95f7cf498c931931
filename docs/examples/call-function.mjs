// Loads the bundled fib guest, runs it to its end, and calls one of its functions from outside.
// Run `npm run build` first, then: node docs/examples/call-function.mjs
import { readFileSync } from 'node:fs';
import { describeStop, Machine } from '../../out/emulator/index.js';

const elf = readFileSync(new URL('../../guests/bin/fib.elf', import.meta.url));
const output = [];
const nothing = { isTerminal: false, read: () => 'eof' };
const captured = {
  isTerminal: false,
  write(bytes) {
    output.push(...bytes);
    return bytes.length;
  },
};

const machine = Machine.create({
  elf,
  args: ['fib'],
  memoryLimit: 16 << 20,
  streams: { stdin: nothing, stdout: captured, stderr: captured },
});

const result = machine.call('fib', [20]);
console.log(`fib(20) = ${result.integer}, called before the program started`);

const stop = machine.runToEnd();
console.log(`then ${describeStop(stop)} after ${machine.instructions} instructions`);
console.log(`it printed: ${new TextDecoder().decode(Uint8Array.from(output)).trim()}`);
machine.dispose();
