import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import BreakpointsPane from '../../renderer/panes/breakpoints/BreakpointsPane.vue';
import GuestsPane from '../../renderer/panes/guests/GuestsPane.vue';
import LogPane from '../../renderer/panes/log/LogPane.vue';
import RegistersPane from '../../renderer/panes/registers/RegistersPane.vue';
import { useLog } from '../../renderer/stores/log';
import { useView } from '../../renderer/stores/view';
import { fakeWindow, loadLists, openProgram, show } from './support';

describe('the Guests pane', () => {
  test('says that it is loading until the catalogue is there', () => {
    fakeWindow();
    expect(show(GuestsPane).text()).toContain('Loading…');
  });

  test('lists the bundled guests with their sentences, and recent files', async () => {
    fakeWindow();
    await loadLists();
    const pane = show(GuestsPane);
    expect(pane.findAll('[role=option]').map((row) => row.find('.note').text())).toEqual([
      'The dot product of two arrays.',
      'Crashes as its argument says.',
      '/tmp/a.elf',
    ]);
  });

  test('fills the arguments of the guest that is chosen, and opens it with what stands there', async () => {
    fakeWindow();
    const programs = await loadLists();
    const pane = show(GuestsPane);
    await pane.findAll('[role=option]')[1].trigger('click');
    expect(programs.args).toBe("null 'two words'");
    await pane.get('textarea').setValue('A=1\nB=two');
    await pane.get('form.options').trigger('submit');
    const machine = await import('../../renderer/stores/machine').then((m) => m.useMachine());
    await expect.poll(() => machine.phase).toBe('open');
    expect(machine.options).toEqual({ args: ['null', 'two words'], environment: ['A=1', 'B=two'] });
    expect(pane.find('small').text()).toBe('open');
  });

  test('opens with a schedule, and refuses one that is none', async () => {
    fakeWindow();
    const programs = await loadLists();
    const machine = await import('../../renderer/stores/machine').then((m) => m.useMachine());
    programs.schedule = 'interleaved:200:7';
    await programs.openGuest('dot');
    expect(machine.options.schedule).toEqual({ kind: 'interleaved', quantum: 200, seed: 7 });
    programs.schedule = 'interleaved:0';
    await programs.openGuest('dot');
    expect(useLog().last?.text).toContain('A quantum is 1 to');
  });

  test('refuses an environment line that is not NAME=value', async () => {
    fakeWindow();
    const programs = await loadLists();
    programs.environment = 'oops';
    await programs.openGuest('dot');
    expect(useLog().last?.text).toBe('Environment: "oops" is not NAME=value.');
  });

  test('lists the folders that the program may use, grants one and takes it back', async () => {
    const fake = fakeWindow();
    const programs = await loadLists();
    await programs.openGuest('dot');
    const pane = show(GuestsPane);
    expect(pane.get('summary').text()).toBe('Folders of the host: none');
    await pane.get('[aria-label="Where the guest has the folder"]').setValue('/data');
    await pane.get('.write input').setValue(true);
    await pane.get('form.grant').trigger('submit');
    await expect.poll(() => pane.find('[data-folder="/data"]').exists()).toBe(true);
    expect(pane.get('[data-folder="/data"]').text()).toContain('read, write');
    expect(useLog().last?.text).toContain('when it starts again');
    await pane.get('[aria-label="Take the folder /data back"]').trigger('click');
    await expect.poll(() => pane.find('[data-folder]').exists()).toBe(false);
    expect([...fake.granted.values()]).toEqual([[]]);
  });

  test('reports a recent file that is gone', async () => {
    fakeWindow();
    const programs = await loadLists();
    await programs.openRecent('/tmp/a.elf');
    expect(useLog().last).toMatchObject({
      level: 'error',
      text: '/tmp/a.elf cannot be read: ENOENT',
    });
  });
});

describe('the Registers pane', () => {
  const cell = (pane: VueWrapper, id: string): ReturnType<VueWrapper['get']> =>
    pane.get(`[data-register="${id}"]`);

  test('is empty while no guest is open', () => {
    fakeWindow();
    expect(show(RegistersPane).text()).toBe('No guest is open.');
  });

  test('shows integer, float and control registers under their ABI names', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-register=x2]').exists()).toBe(true);
    expect(cell(pane, 'x2').find('.name').text()).toBe('sp');
    expect(cell(pane, 'x2').find('.value').text()).toBe('0x000000003fffff00');
    expect(cell(pane, 'f10').find('.name').text()).toBe('fa0');
    expect(cell(pane, 'fcsr').text()).toContain('rne · NX');
  });

  test('marks what the last step changed, and only that', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-register=x10]').exists()).toBe(true);
    expect(pane.findAll('.cell.changed')).toHaveLength(0);
    await machine.requests().stepInstruction(0);
    await expect
      .poll(() => pane.findAll('.cell.changed').map((each) => each.attributes('data-register')))
      .toEqual(['pc', 'x10', 'instret']);
    expect(cell(pane, 'x10').attributes('aria-label')).toBe('a0 0x0000000000000004, changed');
  });

  test('changes the format of one register with F', async () => {
    fakeWindow();
    localStorage.clear();
    await openProgram();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-register=x2]').exists()).toBe(true);
    await cell(pane, 'x2').trigger('keydown', { key: 'f' });
    expect(cell(pane, 'x2').find('.value').text()).toBe('1073741568');
    expect(cell(pane, 'x10').find('.value').text()).toBe('0x0000000000000000');
    localStorage.clear();
  });

  test('writes an edited value, and refuses one that is not a number', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-register=x10]').exists()).toBe(true);
    await cell(pane, 'x10').trigger('keydown', { key: 'Enter' });
    const field = cell(pane, 'x10').get('input');
    await field.setValue('12 apples');
    await field.trigger('keydown', { key: 'Enter' });
    expect(cell(pane, 'x10').get('[role=alert]').text()).toMatch(/^Not a number/);
    await field.setValue('0x2a');
    await field.trigger('keydown', { key: 'Enter' });
    await expect.poll(() => cell(pane, 'x10').find('.value').exists()).toBe(true);
    await expect.poll(() => cell(pane, 'x10').get('.value').text()).toBe('0x000000000000002a');
  });

  test('does not edit x0, pc of a running guest, or counters', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-register=pc]').exists()).toBe(true);
    expect(pane.find('[data-register=x0]').exists()).toBe(false);
    await cell(pane, 'instret').trigger('keydown', { key: 'Enter' });
    await machine.requests().run();
    await expect.poll(() => machine.running).toBe(true);
    await cell(pane, 'pc').trigger('keydown', { key: 'Enter' });
    expect(pane.find('[data-register] input').exists()).toBe(false);
  });
});

describe('the Breakpoints pane', () => {
  test('adds one by symbol, edits its condition, disables and removes it', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(BreakpointsPane);
    expect(pane.text()).toContain('No breakpoints.');
    await pane.get('.add input').setValue('dot');
    await pane.get('.add').trigger('submit');
    await expect.poll(() => pane.find('.at').exists()).toBe(true);
    expect(pane.get('.at').text()).toBe('dot');

    await pane.get('[aria-label="Edit breakpoint 1"]').trigger('click');
    await pane.get('[aria-label=Condition]').setValue('a0 == 3');
    await pane.get('[aria-label="Hit count"]').setValue('0');
    await pane.get('.edit').trigger('submit');
    expect(pane.get('[role=alert]').text()).toContain('not a number from 1 up');
    await pane.get('[aria-label="Hit count"]').setValue('2');
    await pane.get('.edit').trigger('submit');
    await expect.poll(() => pane.text()).toContain('if a0 == 3 · from hit 2');

    await pane.get('[type=checkbox]').trigger('change');
    await expect.poll(() => machine.breakpoints[0]?.enabled).toBe(false);
    await pane.get('.at').trigger('keydown', { key: 'Delete' });
    await expect.poll(() => machine.breakpoints).toEqual([]);
  });

  test('says why a place cannot be used', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(BreakpointsPane);
    await pane.get('.add input').setValue('nowhere');
    await pane.get('.add').trigger('submit');
    await expect.poll(() => pane.find('[role=alert]').text()).toBe('nowhere is not a symbol.');
  });
});

describe('the Log pane', () => {
  test('shows messages in order with their level, and can be cleared', async () => {
    fakeWindow();
    const log = useLog();
    const pane = show(LogPane);
    expect(pane.text()).toBe('No messages.');
    log.add('one');
    log.add('two', 'error');
    await expect
      .poll(() => pane.findAll('li').map((each) => each.classes()))
      .toEqual([['info'], ['error']]);
    await pane.get('[aria-label="Clear log"]').trigger('click');
    expect(pane.text()).toBe('No messages.');
  });
});

describe('a pane behind another one', () => {
  /** The dock, as far as the window asks it which panes are in sight. */
  function fakeDock(): { put(isVisible: boolean): void } {
    let look = (): void => undefined;
    const listen = (listener: () => void): void => void (look = listener);
    const panel = { id: 'registers', api: { isVisible: true, onDidVisibilityChange: listen } };
    const dock = {
      panels: [panel],
      width: 1280,
      height: 800,
      onDidAddPanel: (added: (each: typeof panel) => void) => added(panel),
      onDidLayoutChange: () => undefined,
      getPanel: () => undefined,
      addPanel: () => panel,
      clear: () => undefined,
    };
    useView().dockReady(dock as unknown as Parameters<ReturnType<typeof useView>['dockReady']>[0]);
    return {
      put(isVisible) {
        panel.api.isVisible = isVisible;
        look();
      },
    };
  }

  test('asks for nothing, and catches up when it comes to the front', async () => {
    fakeWindow();
    const dock = fakeDock();
    const machine = await openProgram();
    const pane = show(RegistersPane);
    const pc = (): string => pane.get('[data-register=pc] .value').text();
    await expect.poll(() => pane.find('[data-register=pc]').exists()).toBe(true);
    const first = pc();
    dock.put(false);
    for (const stop of [2, 3]) {
      await machine.requests().stepInstruction(0);
      await expect.poll(() => machine.stops).toBe(stop);
    }
    expect(pc()).toBe(first);
    dock.put(true);
    await expect.poll(pc).not.toBe(first);
    // What it has not seen is no change of the last stop.
    expect(pane.findAll('.changed')).toHaveLength(0);
    await machine.requests().stepInstruction(0);
    await expect.poll(() => pane.get('[data-register=pc]').classes()).toContain('changed');
  });
});
