import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import DisassemblyPane from '../../renderer/panes/disassembly/DisassemblyPane.vue';
import { operandParts, withoutTarget } from '../../renderer/panes/disassembly/operand-parts';
import MemoryPane from '../../renderer/panes/memory/MemoryPane.vue';
import TerminalPane from '../../renderer/panes/terminal/TerminalPane.vue';
import ContextMenu from '../../renderer/parts/ContextMenu.vue';
import { useInstructionNames } from '../../renderer/stores/instruction-names';
import { useContextMenu } from '../../renderer/stores/menu';
import { useTerminal } from '../../renderer/stores/terminal';
import { useView } from '../../renderer/stores/view';
import { fakeWindow, openProgram, show } from './support';

describe('the Disassembly pane', () => {
  const lines = (pane: VueWrapper): string[] =>
    pane.findAll('[data-address]').map((line) => line.attributes('data-address') ?? '');

  test('says that no guest is open', () => {
    fakeWindow();
    expect(show(DisassemblyPane).get('[data-testid=no-code]').text()).toBe('No guest is open.');
  });

  test('shows the code around the pc, marks it, and labels functions', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => lines(pane)).toContain(String(0x10040));
    const marked = pane.get('[aria-current=true]');
    expect(marked.attributes('data-address')).toBe(String(0x10040));
    expect(pane.find('.label').text()).toBe('main:');
  });

  test('says which functions are translated, as soon as they are', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const pane = show(DisassemblyPane);
    const label = (): string => pane.find('.label').text();
    await expect.poll(() => pane.findAll('.label').length).toBeGreaterThan(0);
    expect(label()).toBe('main:');
    fake.machines[0].translated.add('main');
    await machine.requests().stepInstruction(0);
    await expect.poll(label).toBe('main:translated');
  });

  test('shows instructions under their own names on request, and keeps that', async () => {
    localStorage.removeItem('instruction-names');
    fakeWindow();
    await openProgram();
    const pane = show(DisassemblyPane);
    const names = (): string[] => pane.findAll('.mnemonic').map((name) => name.text());
    await expect.poll(() => names().length).toBeGreaterThan(10);
    expect(names().some((name) => name.startsWith('own.'))).toBe(false);
    await pane.get('[aria-label="Instructions under their own names"]').trigger('click');
    await expect.poll(() => names().every((name) => name.startsWith('own.'))).toBe(true);
    expect(pane.get('[aria-current=true]').attributes('data-address')).toBe(String(0x10040));
    expect(localStorage.getItem('instruction-names')).toBe('own');
    useInstructionNames().toggle();
    await expect.poll(() => names().some((name) => name.startsWith('own.'))).toBe(false);
  });

  test('follows the pc when the guest steps', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => lines(pane).length).toBeGreaterThan(10);
    await machine.requests().stepInstruction(0);
    await expect
      .poll(() => pane.find('[aria-current=true]').attributes('data-address'))
      .toBe(String(0x10044));
    expect(useView().cursor).toBe(0x10044);
  });

  test('moves its cursor with the arrow keys and toggles a breakpoint in the gutter', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => useView().cursor).toBe(0x10040);
    await expect.poll(() => lines(pane).length).toBeGreaterThan(10);
    await pane.get('[role=listbox]').trigger('keydown', { key: 'ArrowDown' });
    expect(useView().cursor).toBe(0x10044);
    await pane.get(`[data-address="${0x10044}"] [data-gutter]`).trigger('click');
    await expect
      .poll(() => machine.breakpoints.map(({ location }) => location?.address))
      .toEqual([0x10044]);
    await expect.poll(() => pane.find(`[data-address="${0x10044}"] .mark.set`).exists()).toBe(true);
  });

  test('goes where a jump goes', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => pane.find('a.target').exists()).toBe(true);
    const jump = pane.findAll('a.target').find((link) => link.text() === 'dot');
    await jump!.trigger('click');
    await expect.poll(() => useView().cursor).toBe(0x10080);
  });

  test('goes to a symbol that is typed, and reports one that does not exist', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => lines(pane).length).toBeGreaterThan(10);
    await pane.get('form input').setValue('print');
    await pane.get('form').trigger('submit');
    await expect.poll(() => useView().cursor).toBe(0x100c0);
  });

  test('explains the instruction at the cursor by its fields', async () => {
    fakeWindow();
    await openProgram();
    const view = useView();
    const pane = show(DisassemblyPane);
    await expect.poll(() => lines(pane).length).toBeGreaterThan(10);
    await view.show('disassembly', 'explain');
    await expect
      .poll(() => document.querySelector('[data-testid=instruction-card]')?.textContent)
      .toContain('Adds the sign-extended 12-bit immediate');
    expect(document.querySelectorAll('.field-box')).toHaveLength(5);
  });
});

test('operands are cut into names, numbers and the rest without losing a character', () => {
  for (const text of [
    'sp,sp,-32',
    'a0,0x12',
    '24(sp)',
    'fa0,fa4,fa5,fa0,rtz',
    'a5,a3,1101a <a+0x2>',
  ])
    expect(
      operandParts(text)
        .map((part) => part.text)
        .join(''),
    ).toBe(text);
  expect(withoutTarget('a3,1101a <main+0x16>')).toBe('a3,1101a');
  expect(operandParts('a3,1101a').at(-1)).toEqual({ kind: 'number', text: '1101a' });
  expect(operandParts('a0,-4(sp)').map(({ kind }) => kind)).toEqual([
    'name',
    'rest',
    'number',
    'rest',
    'name',
    'rest',
  ]);
});

describe('the Memory pane', () => {
  const byte = (pane: VueWrapper, address: number): ReturnType<VueWrapper['get']> =>
    pane.get(`#byte-${address}`);
  const go = async (pane: VueWrapper, text: string): Promise<void> => {
    await pane.get('form input').setValue(text);
    await pane.get('form').trigger('submit');
  };

  test('shows the stack first, with its segment', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[data-testid=segment]').text()).toBe('3fffff00 stack rw-');
    await expect.poll(() => byte(pane, 0x3fff_ff00).text()).toBe('20');
  });

  test('shows unmapped memory as such', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0x11000');
    await expect.poll(() => pane.find('[data-testid=segment]').text()).toBe('00011000 unmapped');
    await expect.poll(() => pane.find(`#byte-${0x11000}`).text()).toBe('··');
    expect(pane.text()).toContain('Nothing is mapped at the cursor.');
  });

  test('marks the bytes that the last step changed', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('.byte').exists()).toBe(true);
    await expect.poll(() => byte(pane, 0x3fff_ff10).text()).not.toBe('··');
    await machine.requests().stepInstruction(0);
    await expect
      .poll(() => pane.findAll('.byte.changed').map((each) => each.attributes('id')))
      .toEqual([`byte-${0x3fff_ff10}`]);
  });

  test('writes a byte that is typed with two digits and moves on', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0x12000');
    await expect.poll(() => pane.find(`#byte-${0x12000}`).exists()).toBe(true);
    const grid = pane.get('[role=grid]');
    await grid.trigger('keydown', { key: 'a' });
    expect(byte(pane, 0x12000).text()).toBe('a_');
    await grid.trigger('keydown', { key: '5' });
    await expect.poll(() => byte(pane, 0x12000).text()).toBe('a5');
    expect((await machine.requests().readMemory(0x12000, 1)).bytes[0]).toBe(0xa5);
    expect(byte(pane, 0x12001).classes()).toContain('cursor');
  });

  test('reads the bytes at the cursor as typed values', async () => {
    fakeWindow();
    const machine = await openProgram();
    await machine.requests().writeMemory(0x12000, Uint8Array.of(0, 0, 0, 0, 0, 0, 0xf8, 0xbf));
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0x12000');
    await expect.poll(() => pane.find('.typed').text()).toContain('f64 -1.5');
  });

  test('sets a data breakpoint on the selected bytes by key, marks them, and takes it away', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0x12004');
    await expect.poll(() => pane.find(`#byte-${0x12004}`).exists()).toBe(true);
    const grid = pane.get('[role=grid]');
    for (let n = 0; n < 3; n++)
      await grid.trigger('keydown', { key: 'ArrowRight', shiftKey: true });
    expect(pane.findAll('.byte.selected')).toHaveLength(4);
    await grid.trigger('keydown', { key: 'x' });
    await expect.poll(() => machine.breakpoints).toHaveLength(1);
    expect(machine.breakpoints[0]).toMatchObject({
      kind: 'data',
      at: '0x12004',
      length: 4,
      access: 'access',
    });
    await expect
      .poll(() => pane.findAll('.byte.watched').map((each) => each.attributes('id')))
      .toEqual([4, 5, 6, 7].map((n) => `byte-${0x12000 + n}`));
    expect(byte(pane, 0x12004).attributes('title')).toMatch(/^access breakpoint \d+$/);
    await grid.trigger('keydown', { key: 'x' });
    await expect.poll(() => machine.breakpoints).toEqual([]);
    expect(pane.find('.byte.watched').exists()).toBe(false);
  });

  test('offers all kinds of data breakpoints in its context menu, and keeps the selection', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0x12000');
    await expect.poll(() => pane.find(`#byte-${0x12000}`).exists()).toBe(true);
    await byte(pane, 0x12007).trigger('pointerdown', { shiftKey: true });
    for (const access of ['write', 'read', 'access', 'change'] as const) {
      await byte(pane, 0x12003).trigger('pointerdown', { button: 2 });
      await pane.get('[role=grid]').trigger('contextmenu', { button: 2 });
      const item = useContextMenu().open?.items.find(({ title }) =>
        title.startsWith(`Break on ${access} of 8 bytes`),
      );
      await item?.run();
      expect(machine.breakpoints.at(-1)).toMatchObject({ access, length: 8, at: '0x12000' });
    }
    expect(machine.breakpoints).toHaveLength(4);
  });

  test('scrolls to the last row of the 4 GiB', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(MemoryPane);
    await expect.poll(() => pane.find('[role=row]').exists()).toBe(true);
    await go(pane, '0xffffffff');
    await expect.poll(() => pane.find(`#byte-${0xffff_ffff}`).exists()).toBe(true);
  });
});

describe('the Terminal pane', () => {
  test('tells the machine its size and shows what was written before it was there', async () => {
    const fake = fakeWindow();
    await openProgram();
    const terminal = useTerminal();
    terminal.write(new TextEncoder().encode('early\r\n'));
    show(TerminalPane);
    const view = useView();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await view.show('terminal', 'save');
    await expect.poll(() => fake.saved).toEqual({ name: 'dot-terminal.txt', text: 'early\n' });
  });
});

describe('a context menu', () => {
  test('runs to the instruction it was opened on, and gives the focus back', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(DisassemblyPane);
    await expect.poll(() => pane.find(`[data-address="${0x10050}"]`).exists()).toBe(true);
    const grid = pane.get<HTMLElement>('[role=listbox]');
    grid.element.focus();
    await pane.get(`[data-address="${0x10050}"]`).trigger('contextmenu', { button: 2 });
    const menu = show(ContextMenu);
    expect(menu.findAll('button').map((item) => item.text().trim())).toContain('Run to here');
    useContextMenu().close();
    menu.unmount();
    expect(document.activeElement).toBe(grid.element);

    await pane.get(`[data-address="${0x10050}"]`).trigger('contextmenu', { button: 2 });
    const again = show(ContextMenu);
    await again.findAll('button')[0].trigger('click');
    await expect.poll(() => machine.pc).toBe(0x10050);
    expect(useContextMenu().open).toBeNull();
  });

  test('goes through its items with the arrow keys and closes with Escape', async () => {
    fakeWindow();
    const menu = useContextMenu();
    const ran: string[] = [];
    menu.show(new MouseEvent('contextmenu', { button: 2 }), [
      { title: 'one', run: () => ran.push('one') },
      { title: 'two', disabled: true, run: () => ran.push('two') },
      { title: 'three', run: () => ran.push('three') },
    ]);
    const shown = show(ContextMenu);
    await expect.poll(() => document.activeElement?.textContent).toContain('one');
    await shown.trigger('keydown', { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toContain('three');
    await shown.trigger('keydown', { key: 'ArrowDown' });
    expect(document.activeElement?.textContent).toContain('one');
    await shown.trigger('keydown', { key: 'Escape' });
    expect(menu.open).toBeNull();
    expect(ran).toEqual([]);
  });
});
