import { describe, expect, test } from 'vitest';
import { REGISTER_TABLE, type EndedVcpu, type MachineState } from '../../emulator/debug/protocol';
import MemoryPane from '../../renderer/panes/memory/MemoryPane.vue';
import { keepRows, matrixRows } from '../../renderer/panes/registers/register-rows';
import RegistersPane from '../../renderer/panes/registers/RegistersPane.vue';
import { command, runCommand } from '../../renderer/commands';
import HartStrip from '../../renderer/parts/HartStrip.vue';
import { hint, runStateText } from '../../renderer/parts/run-state';
import { FORMATS, ranges } from '../../renderer/format';
import { useContextMenu } from '../../renderer/stores/menu';
import { usePins } from '../../renderer/stores/pins';
import { useStepping } from '../../renderer/stores/stepping';
import { useWorkbench } from '../../renderer/workbench';
import { useWatches } from '../../renderer/stores/watches';
import { fakeWindow, openProgram, show } from './support';

const ended = (vcpu: number, reason: string): EndedVcpu => ({
  hart: vcpu,
  task: { id: 1, mode: 'call', vcpu },
  reason,
  failed: reason !== 'returned',
  location: { address: 0x10080, symbol: 'dot', offset: 0 },
  instructions: 1200,
  ...(reason === 'fault' ? { address: 16 } : {}),
});

/** A program with main and three vCPUs, stopped. */
async function fourHarts(): Promise<{
  fake: ReturnType<typeof fakeWindow>;
  machine: Awaited<ReturnType<typeof openProgram>>;
}> {
  const fake = fakeWindow();
  const machine = await openProgram();
  fake.machines[0].harts = 4;
  await machine.requests().stepInstruction(0);
  await expect.poll(() => machine.shown?.harts).toHaveLength(4);
  return { fake, machine };
}

describe('the harts strip', () => {
  test('groups vCPUs by task and says the mode', async () => {
    await fourHarts();
    const strip = show(HartStrip);
    const groups = strip.findAll('[role=group]');
    expect(groups.map((group) => group.attributes('aria-label'))).toEqual([
      'Harts of the program',
      'task 1, call',
    ]);
    expect(groups[1].findAll('[data-hart]')).toHaveLength(3);
  });

  test('keeps vCPUs that have ended in their places, with how they ended', async () => {
    const { fake, machine } = await fourHarts();
    fake.machines[0].harts = 2;
    fake.machines[0].ended = [ended(2, 'returned'), ended(3, 'fault')];
    await machine.requests().stepInstruction(0);
    const strip = show(HartStrip);
    await expect.poll(() => strip.findAll('[data-ended]')).toHaveLength(2);
    const [returned, failed] = strip.findAll('[data-ended]');
    expect(returned.text()).toContain('✓returned');
    expect(failed.classes()).toContain('failed');
    expect(failed.attributes('title')).toContain('fault at address 0x10 in dot');
  });

  test('goes from hart to hart with the arrow keys, and names one in its cell', async () => {
    const { machine } = await fourHarts();
    const strip = show(HartStrip);
    const cell = (hart: number): ReturnType<typeof strip.get> => strip.get(`[data-hart="${hart}"]`);
    expect(cell(0).attributes('tabindex')).toBe('0');
    (cell(0).element as HTMLElement).focus();
    await cell(0).trigger('keydown', { key: 'ArrowRight' });
    expect(machine.focusHart).toBe(1);
    await runCommand(command('hart.name'), useWorkbench());
    const field = strip.get('[aria-label="Name of hart 1"]');
    await field.setValue('odd one');
    await field.trigger('keydown', { key: 'Enter' });
    await expect.poll(() => strip.text()).toContain('odd one');
  });

  test('offers what can be done with a hart', async () => {
    const { machine } = await fourHarts();
    const strip = show(HartStrip);
    await strip.get('[data-hart="2"]').trigger('contextmenu');
    const items = useContextMenu().open?.items ?? [];
    const item = (title: string): (typeof items)[number] | undefined =>
      items.find((each) => each.title === title);
    expect(item('Move to the left')?.disabled).toBe(true);
    await item('Freeze or thaw')?.run();
    await expect.poll(() => machine.hart?.frozen).toBe(true);
    await item('Steps into a fork follow vCPU 2')?.run();
    expect(useStepping().follow).toBe(2);
  });

  test('draws sixty-four harts as small cells', async () => {
    const { fake, machine } = await fourHarts();
    fake.machines[0].harts = 64;
    await machine.requests().stepInstruction(0);
    const strip = show(HartStrip);
    await expect.poll(() => strip.findAll('[data-hart]')).toHaveLength(64);
    expect(strip.classes()).toContain('dense');
  });
});

describe('the focus', () => {
  test('goes to the hart that a breakpoint stopped', async () => {
    const { fake, machine } = await fourHarts();
    await fake.machines[0].stopAt(3);
    await expect.poll(() => machine.focusHart).toBe(3);
    expect(runStateText('open', machine.shown)).toMatch(/^Breakpoint 1 at main.* · hart 3$/);
  });

  test('stays where it is at a pause', async () => {
    const { fake, machine } = await fourHarts();
    await fake.machines[0].stopAt(3);
    await expect.poll(() => machine.focusHart).toBe(3);
    machine.focusHart = 2;
    await machine.requests().run();
    await machine.requests().pause();
    await expect.poll(() => machine.shown?.stop?.kind).toBe('pause');
    expect(machine.focusHart).toBe(2);
  });

  test('leaves a hart that has gone', async () => {
    const { fake, machine } = await fourHarts();
    machine.focusHart = 3;
    fake.machines[0].harts = 2;
    await machine.requests().stepInstruction(0);
    await expect.poll(() => machine.focusHart).toBe(0);
  });

  test('decides whose memory is read', async () => {
    const { fake, machine } = await fourHarts();
    const asked: (number | undefined)[] = [];
    const read = fake.machines[0].readMemory.bind(fake.machines[0]);
    fake.machines[0].readMemory = (address, length, hart?: number) => {
      asked.push(hart);
      return read(address, length);
    };
    const pane = show(MemoryPane);
    await expect.poll(() => asked.at(-1)).toBe(0);
    machine.focusHart = 2;
    await expect.poll(() => asked.at(-1)).toBe(2);
    expect(pane.get('[data-testid=segment]').text()).toContain('hart 2 ·');
  });
});

describe('the register matrix', () => {
  test('has a column for each hart, marks what differs and dims what is equal', async () => {
    const { machine } = await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('[data-column]')).toHaveLength(4);
    expect(pane.get('[data-cell="x10.3"] .value').text()).toBe('0x3004');
    expect(pane.get('[data-cell="x10.3"]').classes()).toContain('differs');
    expect(pane.get('[data-row=x3]').classes()).toContain('equal');
    expect(pane.get('[data-testid=differing]').text()).toBe('3 of 66 differ');
    await pane.get('[data-cell="x10.3"]').trigger('click');
    expect(machine.focusHart).toBe(3);
  });

  test('marks what the last stop changed, in every hart', async () => {
    const { machine } = await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-cell="x10.1"]').exists()).toBe(true);
    expect(pane.findAll('.changed')).toHaveLength(0);
    await machine.requests().stepInstruction(0);
    await expect.poll(() => pane.get('[data-cell="x10.1"]').classes()).toContain('changed');
    expect(pane.get('[data-cell="x3.1"]').classes()).not.toContain('changed');
  });

  test('has pinned harts first, in the order that they were moved to', async () => {
    const { machine } = await fourHarts();
    const pane = show(RegistersPane);
    const columns = (): (string | undefined)[] =>
      pane.findAll('[data-column]').map((head) => head.attributes('data-column'));
    for (const hart of [2, 3]) await machine.requests().markHart(hart, { pinned: true });
    await expect.poll(columns).toEqual(['2', '3', '0', '1']);
    usePins().move(3, -1, machine.shown?.harts ?? []);
    await expect.poll(columns).toEqual(['3', '2', '0', '1']);
    expect(usePins().canMove(0, 1, machine.shown?.harts ?? [])).toBe(false);
  });

  test('puts harts that stand at one place side by side, with the mark of their group', async () => {
    const { fake, machine } = await fourHarts();
    fake.machines[0].groups = new Map([
      [1, 1],
      [3, 1],
    ]);
    await machine.requests().stepInstruction(0);
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('.marks').map((mark) => mark.text())).toContain('=1');
    await pane.get('button.grouped').trigger('click');
    expect(pane.findAll('[data-column]').map((head) => head.attributes('data-column'))).toEqual([
      '0',
      '1',
      '3',
      '2',
    ]);
    expect(pane.findAll('[data-group]')).toHaveLength(3);
  });

  test('shows only the differences when asked', async () => {
    await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('[data-row]')).toHaveLength(66);
    await pane.get('input[type=checkbox]').setValue(true);
    expect(pane.findAll('[data-row]').map((row) => row.attributes('data-row'))).toEqual([
      'pc',
      'x2',
      'x10',
    ]);
  });

  test('edits a value of any hart where it stands, and refuses what is no number', async () => {
    const { fake, machine } = await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-cell="x10.2"]').exists()).toBe(true);
    const written: unknown[] = [];
    fake.machines[0].writeRegister = async (...given) => void written.push(given);
    await pane.get('[data-cell="x10.2"]').trigger('dblclick');
    expect(machine.focusHart).toBe(2);
    const field = pane.get('[data-cell="x10.2"] input');
    await field.setValue('ten');
    await field.trigger('keydown', { key: 'Enter' });
    expect(pane.get('[data-cell="x10.2"] [role=alert]').text()).toContain('Not a number');
    await field.setValue('10');
    await field.trigger('keydown', { key: 'Enter' });
    await expect.poll(() => written).toEqual([[2, 'x10', '0x000000000000000a']]);
  });

  test('is walked through with the arrow keys; G groups the harts that have the same', async () => {
    const { machine } = await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('[data-column]')).toHaveLength(4);
    const grid = pane.get('[role=grid]');
    await grid.trigger('keydown', { key: 'ArrowRight' });
    expect(machine.focusHart).toBe(1);
    await grid.trigger('keydown', { key: 'End' });
    await grid.trigger('keydown', { key: 'ArrowUp' });
    expect(grid.attributes('aria-activedescendant')).toBe('matrix-fcsr-1');
    await grid.trigger('keydown', { key: 'g' });
    expect(pane.findAll('[data-group]').map((each) => each.text())).toEqual(['0x1 × 4']);
    await grid.trigger('keydown', { key: 'Home' });
    await grid.trigger('keydown', { key: 'g' });
    expect(pane.findAll('[data-group]')).toHaveLength(4);
    await grid.trigger('keydown', { key: 'g' });
    expect(pane.findAll('[data-group]')).toHaveLength(0);
  });

  test('has rows of expressions, which say where they have no value', async () => {
    await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('[data-column]')).toHaveLength(4);
    const field = pane.get('[data-watch]');
    for (const text of ['a0', 'nonsense']) {
      await field.setValue(text);
      await field.trigger('submit');
    }
    await expect.poll(() => pane.find('[data-cell="=a0.3"]').text()).toBe('12292');
    await expect.poll(() => pane.find('[data-cell="=nonsense.3"]').text()).toBe('–');
    expect(pane.get('[data-cell="=nonsense.3"]').attributes('title')).toContain(
      'no register or symbol is called nonsense',
    );
    await field.setValue('a0');
    await field.trigger('submit');
    expect(pane.get('.watch [role=alert]').text()).toBe('a0 is there already.');
    useWatches().remove('a0');
    await expect.poll(() => pane.find('[data-cell="=a0.3"]').exists()).toBe(false);
    useWatches().remove('nonsense');
  });

  test('writes addresses as symbols when asked', async () => {
    await fourHarts();
    const pane = show(RegistersPane);
    await expect.poll(() => pane.find('[data-row=pc]').exists()).toBe(true);
    const grid = pane.get('[role=grid]');
    for (let i = 0; i < FORMATS.length - 1; i++) await grid.trigger('keydown', { key: 'f' });
    await expect.poll(() => pane.get('[data-cell="pc.1"] .value').text()).toBe('main+0xc');
    await grid.trigger('keydown', { key: 'f' });
    await expect.poll(() => pane.get('[data-cell="pc.1"] .value').text()).toBe('0x1004c');
  });

  test('draws only so many columns as there is room for', async () => {
    const { fake, machine } = await fourHarts();
    fake.machines[0].harts = 64;
    await machine.requests().stepInstruction(0);
    const pane = show(RegistersPane);
    await expect.poll(() => pane.findAll('[data-column]').length).toBeGreaterThan(4);
    expect(pane.findAll('[data-column]').length).toBeLessThanOrEqual(32);
  });
});

describe('the status line of a guest that forks', () => {
  const state = (harts: number): MachineState => ({
    sequence: 1,
    running: false,
    stop: { kind: 'entry' },
    harts: Array.from({ length: harts }, (_, id) => ({
      id,
      state: 'stopped' as const,
      location: { address: 0 },
      instructions: 1,
      ...(id > 0 && { task: { id: 1, mode: 'fork-here', vcpu: id } }),
    })),
    endedVcpus: [],
    instructions: 1,
    residentBytes: 0,
  });
  const facts = { hasProgram: true, isMultiprocess: true, focus: 0, width: 'hart' } as const;

  test('says how to come to the fork, and what to do there', () => {
    expect(hint('open', state(1), facts)).toContain('Ctrl+Shift+F10 runs to where');
    expect(hint('open', state(5), facts)).toContain('1 … 9 focus a hart');
    expect(hint('open', state(5), { ...facts, focus: 2 })).toContain('F10 steps hart 2');
    expect(hint('open', state(5), { ...facts, focus: 2, width: 'group' })).toContain('its group');
    expect(hint('open', state(1), { ...facts, isMultiprocess: false })).not.toContain('vCPU');
    const held = state(5);
    const harts = held.harts.map((hart) => (hart.id === 2 ? { ...hart, heldAt: 1 } : hart));
    expect(hint('open', { ...held, harts }, { ...facts, focus: 2 })).toContain(
      'lets hart 2 go on from its barrier point',
    );
  });

  test('leads through the first guest', () => {
    const before = { ...facts, before: 'multiprocess' };
    expect(hint('open', state(1), before)).toContain('F10 steps over multiprocess');
    const after: MachineState = {
      ...state(1),
      stop: { kind: 'step' },
      endedVcpus: [ended(1, 'returned')],
    };
    expect(hint('open', after, before)).toContain('main has what they wrote');
  });
});

test('numbers in a row are written as ranges', () => {
  expect(ranges([1, 2, 3, 4, 7, 9, 10])).toBe('1–4,7,9,10');
  expect(ranges([])).toBe('');
});

test('rows of the matrix that say the same are the same objects after a step', () => {
  const { size, pc } = REGISTER_TABLE;
  const writing = { formats: {}, nameOf: () => undefined };
  const rowsAt = (place: bigint): ReturnType<typeof matrixRows> => {
    const values = new BigUint64Array(2 * size);
    values[pc] = values[size + pc] = place;
    return matrixRows({ harts: [0, 1], values }, null, writing);
  };
  const before = rowsAt(0x1000n);
  const kept = keepRows(rowsAt(0x1004n), before);
  expect(kept.filter((row, n) => row !== before[n]).map(({ id }) => id)).toEqual(['pc']);
});
