import { describe, expect, test } from 'vitest';
import { newSession, parseSession, type Session } from '../../preload/session-file';
import GuestsPane from '../../renderer/panes/guests/GuestsPane.vue';
import { useLog } from '../../renderer/stores/log';
import { useMachine } from '../../renderer/stores/machine';
import type { usePrograms } from '../../renderer/stores/programs';
import { useRegisterFormats } from '../../renderer/stores/register-formats';
import { useWatches } from '../../renderer/stores/watches';
import { command, runCommand } from '../../renderer/commands';
import { useWorkbench } from '../../renderer/workbench';
import { fakeWindow, loadLists, show, type FakeWindow } from './support';

const DOT = 'd'.repeat(64);

const SESSION: Session = newSession({
  program: { name: 'dot', sha256: DOT },
  arguments: 'call "two words"',
  environment: 'LANG=C',
  schedule: 'interleaved:100:7',
  breakpoints: [
    { at: '0x10010', enabled: false },
    { at: '0x10020', condition: 'a0 == 3', harts: [1, 2], enabled: true },
  ],
  watches: ['a0 + 8'],
  formats: { x10: 'signed', '=a0 + 8': 'hex' },
  layout: null,
});

async function openDot(): Promise<ReturnType<typeof usePrograms>> {
  const programs = await loadLists();
  await programs.openGuest('dot');
  expect(useMachine().phase).toBe('open');
  return programs;
}

const kept = (fake: FakeWindow): Session | null => fake.sessions.get(DOT)?.session ?? null;
const places = (): string[] => useMachine().breakpoints.map(({ at }) => at);

describe('a session', () => {
  test('is put back when its program is opened again', async () => {
    const fake = fakeWindow();
    fake.sessions.set(DOT, { session: SESSION });
    const programs = await openDot();
    expect(places()).toEqual(['0x10010', '0x10020']);
    expect(useMachine().breakpoints[1]).toMatchObject({ condition: 'a0 == 3', harts: [1, 2] });
    expect(useMachine().options).toEqual({
      args: ['call', 'two words'],
      environment: ['LANG=C'],
      schedule: { kind: 'interleaved', quantum: 100, seed: 7 },
    });
    expect(programs.args).toBe('call "two words"');
    expect(useWatches().expressions).toEqual(['a0 + 8']);
    expect(useRegisterFormats().formats).toEqual({ x10: 'signed', '=a0 + 8': 'hex' });
  });

  test('is kept as it changes', async () => {
    const fake = fakeWindow();
    const programs = await loadLists();
    programs.choose({ kind: 'guest', name: 'dot' });
    programs.args = '12';
    await programs.openChoice();
    await useMachine().addBreakpoint({ at: '0x10010', enabled: true });
    useWatches().add('sp');
    useRegisterFormats().set('x2', 'unsigned');
    await expect
      .poll(() => kept(fake))
      .toMatchObject({
        program: { name: 'dot', sha256: DOT },
        arguments: '12',
        breakpoints: [{ at: '0x10010', enabled: true }],
        watches: ['sp'],
        formats: { x2: 'unsigned' },
      });
  });

  test('belongs to its program: another one starts without it, and it comes back', async () => {
    const fake = fakeWindow();
    const programs = await openDot();
    await useMachine().addBreakpoint({ at: '0x10010', enabled: true });
    useWatches().add('sp');
    await programs.openGuest('crash');
    expect(places()).toEqual([]);
    expect(useWatches().expressions).toEqual([]);
    expect(programs.args).toBe(`null 'two words'`);
    await programs.openGuest('dot');
    expect(places()).toEqual(['0x10010']);
    expect(useWatches().expressions).toEqual(['sp']);
    expect(fake.machines).toHaveLength(3);
  });

  test('outlives a machine that is stopped and started again', async () => {
    const fake = fakeWindow();
    await openDot();
    const machine = useMachine();
    await machine.addBreakpoint({ at: '0x10010', enabled: true });
    await expect.poll(() => kept(fake)?.breakpoints).toHaveLength(1);
    await machine.close();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(kept(fake)?.breakpoints).toHaveLength(1);
    await machine.restart();
    expect(places()).toEqual(['0x10010']);
  });

  test('gives way to what is written in the fields before the program is opened', async () => {
    const fake = fakeWindow();
    fake.sessions.set(DOT, { session: SESSION });
    const programs = await loadLists();
    const pane = show(GuestsPane);
    await pane.get('[data-row="guest:dot"]').trigger('click');
    programs.args = 'other';
    await programs.openChoice();
    expect(useMachine().options.args).toEqual(['other']);
    // The open program's fields are as they stand, empty ones too.
    programs.args = '';
    await programs.openChoice();
    expect(useMachine().options.args).toEqual([]);
  });

  test('that is damaged is said so, and the program opens without it', async () => {
    const fake = fakeWindow();
    fake.sessions.set(DOT, { session: null, problem: '/data/d.json is damaged: no JSON.' });
    await openDot();
    expect(useLog().entries.map(({ text }) => text)).toContain(
      'The session of dot is not restored. /data/d.json is damaged: no JSON.',
    );
    expect(places()).toEqual([]);
  });
});

describe('an exported session', () => {
  test('comes back by its import', async () => {
    const fake = fakeWindow();
    fake.sessions.set(DOT, { session: SESSION });
    await openDot();
    await runCommand(command('session.export'), useWorkbench());
    expect(fake.saved?.name).toBe('dot.session.json');
    const text = fake.saved?.text ?? '';
    expect(JSON.parse(text)).toEqual(SESSION);

    await useMachine().replaceBreakpoints([{ at: '0x10030', enabled: true }]);
    useWatches().replace([]);
    fake.importing = { name: 'dot.session.json', text };
    await runCommand(command('session.import'), useWorkbench());
    expect(places()).toEqual(['0x10010', '0x10020']);
    expect(useWatches().expressions).toEqual(['a0 + 8']);
    await expect.poll(() => kept(fake)).toEqual(SESSION);
  });

  test('of another program is taken with a warning', async () => {
    const fake = fakeWindow();
    const programs = await openDot();
    const other = { ...SESSION, program: { name: 'fib', sha256: 'f'.repeat(64) } };
    fake.importing = { name: 'fib.json', text: JSON.stringify(other) };
    await programs.importSession();
    expect(useLog().last?.level).toBe('warning');
    expect(useLog().last?.text).toContain('made for another program (fib)');
    await expect.poll(() => kept(fake)?.program.name).toBe('dot');
  });

  test('that is not one changes nothing and says why', async () => {
    const fake = fakeWindow();
    fake.sessions.set(DOT, { session: SESSION });
    await openDot();
    const bench = useWorkbench();
    fake.importing = { name: 'a.json', text: '{"hartscope":"session"}' };
    await runCommand(command('session.import'), bench);
    expect(useLog().last?.text).toMatch(/^a\.json is not a session file: version /);
    expect(places()).toEqual(['0x10010', '0x10020']);
  });
});

describe('reading a session file', () => {
  const read = (change: object): (() => Session) => {
    const text = JSON.stringify({ ...SESSION, ...change });
    return () => parseSession('a.json', text);
  };

  test('gives what was written', () => {
    expect(read({})()).toEqual(SESSION);
  });

  test.each([
    ['a text that is no JSON', () => parseSession('a.json', '{'), /^a\.json is not JSON: /],
    ['a list', () => parseSession('a.json', '[1]'), /is not a session file: /],
    ['null', () => parseSession('a.json', 'null'), /it is no object/],
    ['another version', read({ version: 2 }), /: version is not 1\.$/],
    [
      'a wrong hash',
      read({ program: { name: 'a', sha256: 'abc' } }),
      /program\.sha256 is not a SHA-256/,
    ],
    [
      'a place that is no text',
      read({ breakpoints: [{ at: 5, enabled: true }] }),
      /breakpoints\.0\.at is not a text/,
    ],
    ['an unknown member', read({ folders: ['/etc'] }), /: folders is not known\.$/],
    [
      'too many watches',
      read({ watches: Array<string>(33).fill('a0') }),
      /watches has more than 32 entries/,
    ],
    ['an arrangement that is none', read({ layout: 5 }), /layout is no arrangement/],
  ])('refuses %s', (_what, parse, message) => {
    expect(parse).toThrow(message);
  });
});
