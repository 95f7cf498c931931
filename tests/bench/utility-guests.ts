// Entry of the utility process: runs the guests that it is asked for, until nobody asks any more.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { runGuest } from './engine-run';
import type { UtilityAnswer, UtilityRequest } from './utility-process';

const socket = connect(process.argv.at(-1) ?? '');
socket.on('close', () => process.exit());

function answer(line: string): UtilityAnswer {
  const { guest, args } = JSON.parse(line) as UtilityRequest;
  try {
    return { text: runGuest(guest, args, 'auto').text };
  } catch (error) {
    return { error: String(error) };
  }
}

createInterface(socket).on('line', (line) => {
  socket.write(`${JSON.stringify(answer(line))}\n`);
});
