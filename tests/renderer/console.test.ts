import { describe, expect, test } from 'vitest';
import BreakpointsPane from '../../renderer/panes/breakpoints/BreakpointsPane.vue';
import ConsolePane from '../../renderer/panes/console/ConsolePane.vue';
import { command, runCommand } from '../../renderer/commands';
import { useMachine } from '../../renderer/stores/machine';
import { useStepping } from '../../renderer/stores/stepping';
import { useWorkbench } from '../../renderer/workbench';
import { fakeWindow, openProgram, show } from './support';

/** What `help` prints in the terminal. */
const TRANSCRIPT = import.meta.glob<string>('../unit/cli/transcripts/help.txt', {
  eager: true,
  query: '?raw',
  import: 'default',
});

describe('the Console pane', () => {
  test('says what it takes, and nothing can be typed before a guest is open', () => {
    fakeWindow();
    const pane = show(ConsolePane);
    expect(pane.text()).toContain('“help” lists them.');
    expect(pane.get('input').attributes('disabled')).toBeDefined();
  });

  test('does verbs, shows answers and errors, and recalls lines', async () => {
    await openProgram();
    const pane = show(ConsolePane);
    const type = async (line: string): Promise<void> => {
      await pane.get('input').setValue(line);
      await pane.get('form').trigger('submit');
    };
    await type('break dot if a0 == 3');
    await expect.poll(() => pane.text()).toContain('Breakpoint 1: dot, if a0 == 3');
    expect(useMachine().breakpoints).toHaveLength(1);
    await type('fly');
    await expect.poll(() => pane.find('.error').exists()).toBe(true);
    expect(pane.get('.error').text()).toBe('There is no verb “fly”: help lists them.');
    await pane.get('input').trigger('keydown', { key: 'ArrowUp' });
    await pane.get('input').trigger('keydown', { key: 'ArrowUp' });
    expect((pane.get('input').element as HTMLInputElement).value).toBe('break dot if a0 == 3');
  });

  test('has the verbs of the debugger in the terminal, all of them and no others', async () => {
    await openProgram();
    const pane = show(ConsolePane);
    await pane.get('input').setValue('help');
    await pane.get('form').trigger('submit');
    await expect.poll(() => pane.text()).toContain('undisplay');
    const [session] = Object.values(TRANSCRIPT);
    const [, verbs = 'none'] = /\(hartscope\) help\n(.*)status 0\n$/s.exec(session) ?? [];
    expect(pane.get('li:last-child').text()).toBe(verbs.trim());
  });

  test('completes verbs, and lists them when there are several', async () => {
    await openProgram();
    const pane = show(ConsolePane);
    await pane.get('input').setValue('barr');
    await pane.get('input').trigger('keydown', { key: 'Tab' });
    const { element } = pane.get('input');
    await expect.poll(() => (element as HTMLInputElement).value).toBe('barrier ');
    await pane.get('input').setValue('unt');
    await pane.get('input').setValue('un');
    await pane.get('input').trigger('keydown', { key: 'Tab' });
    await expect.poll(() => pane.find('.offered').exists()).toBe(true);
    expect(pane.get('.offered').text()).toContain('undisplay');
  });
});

describe('the Breakpoints pane', () => {
  test('adds data breakpoints, and takes every field of one', async () => {
    await openProgram();
    const machine = useMachine();
    const pane = show(BreakpointsPane);
    // A program that is opened again keeps the breakpoints of an earlier test.
    for (const { id } of machine.breakpoints) await machine.removeBreakpoint(id);
    await pane.get('.add select').setValue('change');
    await pane.get('.add input').setValue('dot');
    await pane.get('.add').trigger('submit');
    await expect.poll(() => machine.breakpoints.length).toBe(1);
    expect(machine.breakpoints[0]).toMatchObject({ kind: 'data', access: 'change', at: 'dot' });
    await pane.get('[aria-expanded]').trigger('click');
    await pane.get('[aria-label="Condition"]').setValue('new > 3');
    await pane.get('[aria-label="Hit count"]').setValue('10');
    await pane.get('[aria-label="Hits that stop"]').setValue('multiple');
    await pane.get('[aria-label="Harts"]').setValue('1, 3');
    await pane.get('[aria-label="Message"]').setValue('now {new}');
    await pane.get('.edit').trigger('submit');
    await expect.poll(() => pane.find('.detail').exists()).toBe(true);
    expect(machine.breakpoints[0]).toMatchObject({
      access: 'change',
      condition: 'new > 3',
      hitCount: 10,
      hitRule: 'multiple',
      harts: [1, 3],
      log: 'now {new}',
    });
    expect(pane.get('.detail').text()).toBe(
      'if new > 3 · each hit 10 · harts 1, 3 · prints “now {new}”',
    );
  });

  test('says which harts cannot be read', async () => {
    await openProgram();
    const machine = useMachine();
    await machine.addBreakpoint({ at: 'dot', enabled: true });
    const pane = show(BreakpointsPane);
    await pane.get('[aria-expanded]').trigger('click');
    await pane.get('[aria-label="Harts"]').setValue('all of them');
    await pane.get('.edit').trigger('submit');
    expect(pane.get('[role=alert]').text()).toBe(
      'Harts: "all of them" are not numbers with commas.',
    );
  });
});

test('one key says whom steps move, another whether by lines', async () => {
  await openProgram();
  const stepping = useStepping();
  const bench = useWorkbench();
  await runCommand(command('step.width'), bench);
  await runCommand(command('step.unit'), bench);
  expect([stepping.width, stepping.unit]).toEqual(['group', 'line']);
  await runCommand(command('hart.freeze'), bench);
  await expect.poll(() => useMachine().hart?.frozen).toBe(true);
});
