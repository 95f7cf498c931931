import { flushPromises, type VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import type { StackFrameInfo, StackInfo } from '../../emulator/debug/protocol-source';
import { command, runCommand } from '../../renderer/commands';
import { colourLines, expressionAt } from '../../renderer/panes/source/source-colours';
import SourcePane from '../../renderer/panes/source/SourcePane.vue';
import { mergeStacks } from '../../renderer/panes/stacks/stack-tree';
import StacksPane from '../../renderer/panes/stacks/StacksPane.vue';
import { useStack } from '../../renderer/stores/stack';
import { useView } from '../../renderer/stores/view';
import { useWorkbench } from '../../renderer/workbench';
import { fakeWindow, openProgram, show } from './support';

/** The fake machine stands at its line 9 after it was opened. */
const FIRST_LINE = 9;

const line = (pane: VueWrapper, number: number) => pane.find(`[data-line="${number}"]`);
const shownLines = (pane: VueWrapper): string[] =>
  pane.findAll('[data-line]').map((each) => each.attributes('data-line') ?? '');

describe('the Source pane', () => {
  test('shows the text with the line of the focused hart marked', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(SourcePane);
    await expect.poll(() => shownLines(pane)).toContain(String(FIRST_LINE));
    expect(line(pane, FIRST_LINE).attributes('aria-current')).toBe('location');
    expect(line(pane, FIRST_LINE).text()).toContain('▶');
    expect(line(pane, FIRST_LINE).text()).toContain(`step(${FIRST_LINE});`);
  });

  test('sets a breakpoint with a click in the gutter, and takes it away again', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(SourcePane);
    await expect.poll(() => shownLines(pane)).toContain('7');
    await line(pane, 7).find('[data-gutter]').trigger('click');
    await expect.poll(() => machine.breakpoints.map(({ at }) => at)).toEqual(['src/fake.c:7']);
    await expect.poll(() => line(pane, 7).find('.mark').classes()).toContain('set');
    await line(pane, 7).find('[data-gutter]').trigger('click');
    await expect.poll(() => machine.breakpoints).toEqual([]);
  });

  test('F9 means the line of its cursor once the keyboard is in it', async () => {
    fakeWindow();
    const machine = await openProgram();
    const pane = show(SourcePane);
    await expect.poll(() => shownLines(pane)).toContain(String(FIRST_LINE));
    const list = pane.find<HTMLElement>('[role=listbox]');
    await list.trigger('focusin');
    await list.trigger('keydown', { key: 'ArrowDown' });
    await runCommand(command('breakpoint.toggle'), useWorkbench());
    await expect
      .poll(() => machine.breakpoints.map(({ at }) => at))
      .toEqual([`src/fake.c:${FIRST_LINE + 1}`]);
  });

  test('keeps the line that was asked for when the stack of the stop comes after it', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const [there] = fake.machines;
    const stack = there.stack.bind(there);
    const waiting: (() => void)[] = [];
    there.stack = async (hart) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return stack(hart);
    };
    const pane = show(SourcePane);
    const chosen = (): string | undefined =>
      pane.find('[data-line][aria-selected=true]').attributes('data-line');
    await expect.poll(() => waiting.length).toBeGreaterThan(0);
    useView().sourcePlace = { path: 'src/fake.c', line: 40 };
    await expect.poll(chosen).toBe('40');
    waiting.forEach((come) => come());
    there.stack = stack;
    // The stack has come: its frames are marked, the cursor stays.
    await expect.poll(() => useStack().stack?.frames.length).toBe(2);
    await flushPromises();
    expect(chosen()).toBe('40');
    await machine.requests().stepInstruction(0);
    await expect.poll(() => Number(chosen())).toBeLessThan(20);
  });

  test('says where missing source was looked for, and finds it in a folder', async () => {
    const fake = fakeWindow();
    fake.sourceFolder = null;
    await openProgram();
    const pane = show(SourcePane);
    await expect.poll(() => pane.text()).toContain('src/fake.c is not here.');
    expect(pane.text()).toContain('/build/src/fake.c');
    await pane.find('[data-testid=no-source] button').trigger('click');
    await expect.poll(() => shownLines(pane)).toContain(String(FIRST_LINE));
  });

  test('says what to do when the program was compiled without debugging information', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    fake.machines[0].debugInfo = 'none';
    const opening = machine.open(
      {
        name: 'bare',
        bytes: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46),
        sha256: 'b'.repeat(64),
        arguments: [],
        stopAt: 'main',
      },
      { args: [], environment: [] },
    );
    await expect.poll(() => fake.machines.length).toBe(2);
    fake.machines[1].debugInfo = 'none';
    await opening;
    const pane = show(SourcePane);
    await expect.poll(() => pane.text()).toContain('Compile it with -g.');
  });
});

describe('the Stacks pane', () => {
  test('lists the frames with their parameters and lines, and the variables as a tree', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(StacksPane);
    await expect.poll(() => pane.findAll('.frame')).toHaveLength(2);
    expect(pane.findAll('.frame')[0].text()).toContain('dot(n=0)');
    expect(pane.findAll('.frame')[0].text()).toContain(`fake.c:${FIRST_LINE}`);
    await expect.poll(() => pane.findAll('[role=treeitem]')).toHaveLength(3);
    expect(pane.text()).toContain('<optimized out>');
    const point = pane.findAll('[role=treeitem]')[1];
    expect(point.attributes('aria-expanded')).toBe('false');
    await point.trigger('click');
    await expect.poll(() => pane.findAll('[role=treeitem]')).toHaveLength(5);
    expect(pane.findAll('[role=treeitem]')[2].text()).toContain('x');
    expect(pane.findAll('[role=treeitem]')[2].attributes('aria-level')).toBe('2');
  });

  test('selects frames with the arrow keys', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(StacksPane);
    await expect.poll(() => pane.findAll('.frame')).toHaveLength(2);
    await pane.find('[aria-label=Frames]').trigger('keydown', { key: 'ArrowDown' });
    await flushPromises();
    await expect.poll(() => pane.findAll('.frame')[1].attributes('aria-selected')).toBe('true');
  });

  test('merges the stacks of all harts into one tree with counts', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    fake.machines[0].harts = 4;
    await machine.requests().stepInstruction(0);
    await expect.poll(() => machine.shown?.harts).toHaveLength(4);
    const pane = show(StacksPane);
    await pane.findAll('button')[1].trigger('click');
    await expect.poll(() => pane.text()).toContain('work');
    const work = pane.findAll('[role=treeitem]').find((row) => row.text().includes('work'));
    expect(work?.text()).toContain('3');
    expect(work?.attributes('title')).toBe('Harts 1–3; here: 1–3');
    await work?.trigger('click');
    expect(machine.focusHart).toBe(1);
  });

  test('says that nothing is known when no guest is open', () => {
    fakeWindow();
    expect(show(StacksPane).text()).toContain('No guest is open.');
  });
});

describe('source text', () => {
  test('is coloured by token, block comments from line to line', () => {
    const [first, second, third] = colourLines(
      ['int a = 0x1f; /* from', 'here */ return "x//y"; // end', '#define A 1'],
      false,
    );
    expect(first.map(({ kind }) => kind)).toContain('type');
    expect(first.at(-1)).toEqual({ kind: 'comment', text: '/* from' });
    expect(second[0]).toEqual({ kind: 'comment', text: 'here */' });
    expect(second.find(({ kind }) => kind === 'string')?.text).toBe('"x//y"');
    expect(second.at(-1)).toEqual({ kind: 'comment', text: '// end' });
    expect(third).toEqual([{ kind: 'directive', text: '#define A 1' }]);
  });

  test('keeps every character, whatever a line holds', () => {
    for (const text of ["'", '"\\', '/*', '*/', '\t\u00e9 $x @', "0x 1'000 .5f", '/', '// \\']) {
      const [tokens] = colourLines([text], false);
      expect(tokens.map((token) => token.text).join('')).toBe(text);
    }
  });

  test('gives the expression under the pointer with what stands before it', () => {
    const text = 'return head->next.at + list[2].x;';
    expect(expressionAt(text, text.indexOf('next'))).toBe('head->next');
    expect(expressionAt(text, text.indexOf('at +'))).toBe('head->next.at');
    expect(expressionAt(text, text.indexOf('x;'))).toBe('list[2].x');
    expect(expressionAt(text, 1)).toBeNull();
    expect(expressionAt(text, text.indexOf('+'))).toBeNull();
  });
});

describe('stacks of several harts', () => {
  const frame = (name: string, at: number): StackFrameInfo => ({
    number: 0,
    location: { address: at },
    name,
    inlined: false,
    interrupted: false,
    place: { path: '/src/a.c', line: at, column: 0 },
    parameters: [],
  });
  const stack = (hart: number, ...frames: StackFrameInfo[]): StackInfo => ({
    hart,
    frames,
    cut: false,
  });

  test('part where their functions or lines differ', () => {
    const branches = mergeStacks([
      stack(1, frame('leaf', 3), frame('work', 2), frame('main', 1)),
      stack(2, frame('leaf', 4), frame('work', 2), frame('main', 1)),
      stack(3, frame('work', 2), frame('main', 1)),
    ]);
    expect(branches.map(({ name, place, harts, here }) => [name, place, harts, here])).toEqual([
      ['main', 'a.c:1', [1, 2, 3], []],
      ['work', 'a.c:2', [1, 2, 3], [3]],
      ['leaf', 'a.c:3', [1], [1]],
      ['leaf', 'a.c:4', [2], [2]],
    ]);
  });
});
