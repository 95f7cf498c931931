import { afterEach, expect, test } from 'vitest';
import { FileTree } from '../../../emulator';
import { call, DATA, exit, fork, program, wait } from '../linux/process-guests';
import { Client } from './client';

const NAME = DATA + 0x580;
const ARGV = DATA + 0x600;
let client: Client;
afterEach(() => client.end());

/** A program whose child runs the guest `hello`, which prints a line. */
function startsHello(): Uint8Array {
  const data = Buffer.alloc(0x800);
  data.write('/guests/hello.elf\0', 0x580, 'latin1');
  data.writeBigUInt64LE(BigInt(NAME), 0x600);
  return program(
    `${fork('child')} ${wait()} ${exit(0)} child: ${call('execve', NAME, ARGV, 0)}`,
    data,
  );
}

const grants = [{ hostPath: 'guests/bin', guestPath: '/guests', writable: false }];

test('a breakpoint finds its place in the program that a child runs; symbols and source are those of the child', async () => {
  client = new Client(undefined, () => new FileTree({ grants }));
  const { session } = client;
  await client.open('parent', [], { elf: startsHello(), stopAt: '_start' });
  const { problem } = await session.addBreakpoint({ at: 'hello.c:6', enabled: true });
  expect(problem).toMatch(/no code of line 6 of hello.c/);
  await session.addBreakpoint({ at: 'print_text', enabled: true });
  const entered = await client.after(session.run());
  const { stopHart: child = 0 } = entered;
  expect(entered.stop).toMatchObject({ kind: 'breakpoint', id: 1 });
  expect(client.hart(child)).toMatchObject({
    program: 1,
    location: { symbol: 'main', offset: 0 },
  });
  expect(client.breakpoints.map((each) => each.problem)).toEqual([undefined, undefined]);

  const { address } = client.hart(child).location;
  expect(await session.lineAt(address, child)).toMatchObject({ line: 8 });
  expect(await session.lineAt(address)).toBeNull();
  const [line] = await session.disassemble(address, 0, 1, false, child);
  expect(line.symbol).toBe('main');
  expect((await session.sources(child)).files.map(({ path }) => path)).toContain(
    'guests/src/hello.c',
  );

  await client.after(session.stepLine(child, 'over'));
  expect(await session.lineAt(client.hart(child).location.address, child)).toMatchObject({
    path: 'guests/src/hello.c',
  });
  const called = await client.after(session.run());
  expect(called.stop).toMatchObject({ kind: 'breakpoint', id: 2 });
  const { frames } = await session.stack(child, 2);
  expect(frames.map(({ name }) => name)).toEqual(['print_text', 'main']);
});
