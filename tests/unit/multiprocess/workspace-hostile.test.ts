import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { childProcesses } from '../../../emulator';
import { NO_STATISTICS } from '../../../emulator/engine/statistics';
import { checkTables } from '../../../emulator/memory/check';
import {
  checkedFromProcess,
  checkedToProcess,
  CONTEXT_BYTES,
} from '../../../emulator/multiprocess/workspace-messages';
import { WorkspaceRunner } from '../../../emulator/multiprocess/workspace-runner';
import { HOST_ENTRIES, poolOf } from '../../support/host-entries';
import { outcome, workspaceMachine } from '../../support/workspace-guest';

const KILLED = 6n;
const REASON = 4;
/** Work enough for a vCPU to leave. */
const WORK = `li t6, 20000
  busy:
    addi t6, t6, -1
    bnez t6, busy`;

const scratch = mkdtempSync(join(tmpdir(), 'hartscope-hostile-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A process that answers every vCPU with what the JavaScript expression makes of `run`, its message. */
function processThatAnswers(expression: string): string {
  const file = join(scratch, `${Buffer.from(expression).toString('hex').slice(0, 40)}.mjs`);
  const code = `
    const back = (run) => ({
      type: 'back', run: run.run, context: run.context, layout: new Uint32Array(), output: [],
      statistics: ${JSON.stringify(NO_STATISTICS)},
    });
    process.on('message', (messages) => {
      const run = messages.find(({ type }) => type === 'run');
      if (run) process.send(${expression});
    });
    process.on('disconnect', () => process.exit(0));
    process.send('ready');
  `;
  writeFileSync(file, code);
  return file;
}

describe('a process that does not keep to the protocol', () => {
  test.each([
    ['no message', `'nonsense'`, 'sent what is no message'],
    ['an unknown message', `[{ type: 'hello', run: run.run }]`, 'sent what is no message'],
    ['pages outside', `[{ type: 'want', run: run.run, pages: Uint32Array.of(2 ** 20) }]`, 'sent'],
    ['too small a context', `[{ ...back(run), context: new Uint8Array(9) }]`, 'sent what is no'],
    ['a broken layout', `[{ ...back(run), layout: Uint32Array.of(5, 0, 8) }]`, 'sent what is no'],
    ['a message to somebody', `[{ ...back(run), output: [{ descriptor: 7 }] }]`, 'sent what is no'],
    [
      'an event of no kind',
      `[{ type: 'events', run: run.run, events: Float64Array.of(99, 1, 1, 1, 1, 1, 1, 0) }]`,
      'sent what is no message',
    ],
    [
      'pages without bytes',
      `[{ ...back(run), layout: Uint32Array.of(33, 4, 8 + 3 + 32) }]`,
      'sent other pages than it said',
    ],
    [
      'an impossible stop',
      `[{ ...back(run), context: run.context.map((byte, i) => (i >= 656 && i < 660 ? 99 : byte)) }]`,
      'sent registers that cannot be',
    ],
    [
      'fewer instructions than before',
      `[{ ...back(run), context: run.context.map((byte, i) => (i >= 536 && i < 544 ? 0 : byte)) }]`,
      'sent registers that cannot be',
    ],
    [
      'more bytes than the machine may have',
      `Array.from({ length: 20 }, () => ({ type: 'changed', run: run.run, bytes: new Uint8Array(1 << 20) }))`,
      'sent too much',
    ],
  ])('that sends %s is ended, and its vCPU with it', (_what, expression, reason) => {
    const log: string[] = [];
    const made = workspaceMachine(
      WORK,
      { vcpus: 1 },
      {
        pool: poolOf(1),
        workspaces: childProcesses({ ...HOST_ENTRIES, process: processThatAnswers(expression) }, 1),
        log: (text) => void log.push(text),
      },
    );
    const { stop, statuses } = outcome(made, 1);
    expect(stop).toEqual({ kind: 'exited', status: 1 });
    expect(statuses.map((status) => status[REASON])).toEqual([KILLED]);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain(reason);
    expect(checkTables(made.machine.space.arena)).toEqual([]);
    made.machine.dispose();
  });

  test('cannot give x0 a value, nor registers of another hart', () => {
    const expression = `[{ ...back(run), context: run.context.map((byte, i) =>
      (i < 8 || (i >= 580 && i < 584) || (i >= 600 && i < 604) ? 255 : byte)) }]`;
    const made = workspaceMachine(
      WORK,
      { vcpus: 1 },
      {
        pool: poolOf(1),
        workspaces: childProcesses({ ...HOST_ENTRIES, process: processThatAnswers(expression) }, 1),
      },
    );
    const { machine } = made;
    for (let i = 0; i < 40; i++) {
      machine.run(1e6);
      for (const { state, index, space } of machine.liveHarts) {
        expect(state.x(0)).toBe(0n);
        expect(state.mhartid).toBe(index);
        expect(machine.arena.spaces.find(space.id)).not.toBe(0);
      }
    }
    machine.dispose();
  });
});

describe('messages', () => {
  const anything = fc.oneof(
    fc.anything({ withTypedArray: true }),
    fc.array(
      fc.record({
        type: fc.constantFrom(
          ...['snapshot', 'run', 'pages', 'breakpoints', 'recall'],
          ...['want', 'progress', 'events', 'changed', 'back', 'toString', '__proto__'],
        ),
        run: fc.oneof(fc.nat(), fc.anything()),
        key: fc.nat(),
        context: fc.uint8Array({ maxLength: 4 }),
        layout: fc.uint32Array(),
        pages: fc.uint32Array(),
        numbers: fc.uint32Array(),
        bytes: fc.uint8Array(),
      }),
    ),
  );

  test('whatever comes, checking does not fail, and what passes is a message', () => {
    fc.assert(
      fc.property(anything, (messages) => {
        for (const check of [checkedToProcess, checkedFromProcess]) {
          const passed = check(messages);
          if (passed) expect(passed.every(({ type }) => typeof type === 'string')).toBe(true);
        }
      }),
    );
  });

  test('a process refuses what is no message, and a vCPU that comes at the wrong time', () => {
    const runner = new WorkspaceRunner({ send: () => undefined, later: () => undefined });
    expect(() => runner.receive('nonsense')).toThrow('no message to a workspace process');
    expect(() => runner.receive([{ type: 'recall', run: -1 }])).toThrow('no message');
    const run = {
      ...{ type: 'run', run: 1, id: 1, vcpus: 1, printed: 0, limit: 0 },
      events: { enabled: true, timed: false },
      context: new Uint8Array(CONTEXT_BYTES),
    };
    expect(() => runner.receive([run])).toThrow('a vCPU came at the wrong time');
    expect(() => runner.receive([{ ...run, context: new Uint8Array(7) }])).toThrow('no message');
  });
});
