import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MessageBatch } from '../../../emulator/host/message-batch';

test('what is said in one turn of the event loop is one message, in its order', async () => {
  const sent: (readonly unknown[])[] = [];
  const batch = new MessageBatch((messages) => sent.push(messages));
  batch.add('answer');
  await Promise.resolve();
  batch.add('state');
  expect(sent).toEqual([]);
  await setImmediate();
  expect(sent).toEqual([['answer', 'state']]);
  batch.add('next');
  await setImmediate();
  expect(sent).toEqual([['answer', 'state'], ['next']]);
});
