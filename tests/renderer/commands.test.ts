import { describe, expect, test } from 'vitest';
import { commandForKey, keyOf } from '../../renderer/command-keys';
import { COMMANDS, command, menuEntries } from '../../renderer/commands';
import { PANES } from '../../renderer/panes/layout';
import LogPane from '../../renderer/panes/log/LogPane.vue';
import CommandPalette from '../../renderer/parts/CommandPalette.vue';
import { placeOfKey } from '../../renderer/key-place';
import { useLog } from '../../renderer/stores/log';
import { useMachine } from '../../renderer/stores/machine';
import { usePrograms } from '../../renderer/stores/programs';
import { useView } from '../../renderer/stores/view';
import { fakeWindow, openProgram, show } from './support';

const press = (key: string, more: KeyboardEventInit = {}): KeyboardEvent =>
  new KeyboardEvent('keydown', { key, ...more });

describe('the command table', () => {
  test('gives no key and no name to two commands', () => {
    const keys = COMMANDS.flatMap(({ key }) => key ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });

  test('gives a key to every command', () => {
    expect(COMMANDS.filter(({ key }) => key === undefined).map(({ id }) => id)).toEqual([]);
  });

  test.each([
    ['F5', {}, 'run'],
    ['F6', {}, 'pause'],
    ['F10', {}, 'step.over'],
    ['F11', {}, 'step.into'],
    ['F11', { shiftKey: true }, 'step.out'],
    ['F10', { ctrlKey: true }, 'run.to-cursor'],
    ['F9', {}, 'breakpoint.toggle'],
    ['F5', { ctrlKey: true, shiftKey: true }, 'restart'],
    ['F5', { shiftKey: true }, 'stop'],
    ['P', { ctrlKey: true, shiftKey: true }, 'palette'],
    ['p', { ctrlKey: true, shiftKey: true }, 'palette'],
    ['3', {}, 'hart.3'],
  ])('has %s %o mean %s', (key, modifiers, id) => {
    expect(commandForKey(press(key, modifiers), 'page')?.id).toBe(id);
  });

  test('leaves digits to a text field that has the focus', () => {
    expect(commandForKey(press('3'), 'field')).toBeUndefined();
    expect(commandForKey(press('F10'), 'field')?.id).toBe('step.over');
  });

  test.each([
    ['<input>', 'field'],
    ['<input type="search">', 'field'],
    ['<select></select>', 'field'],
    ['<p contenteditable="true"></p>', 'field'],
    ['<p data-typing="terminal"></p>', 'terminal'],
    ['<input type="checkbox">', 'page'],
    ['<input type="radio">', 'page'],
    ['<button></button>', 'page'],
  ])('takes %s for a %s', (html, place) => {
    document.body.innerHTML = html;
    expect(placeOfKey(document.body.firstElementChild)).toBe(place);
  });

  test('leaves control characters to the guest in the terminal', () => {
    const control = press('g', { ctrlKey: true });
    expect(commandForKey(control, 'terminal')).toBeUndefined();
    expect(commandForKey(control, 'field')?.id).toBe('go-to');
    expect(commandForKey(press('F6'), 'terminal')?.id).toBe('pause');
  });

  test('knows a digit key by its place when Shift types another character', () => {
    expect(keyOf(press(')', { code: 'Digit0', ctrlKey: true, shiftKey: true }))).toBe(
      'Ctrl+Shift+0',
    );
  });

  test('makes the application menu', () => {
    const entries = menuEntries();
    expect(entries).toContainEqual({ command: 'run', title: 'Run', key: 'F5', menu: 'Run' });
    expect(new Set(entries.map(({ menu }) => menu))).toEqual(
      new Set(['File', 'Run', 'View', 'Help']),
    );
  });
});

describe('the command palette', () => {
  test('lists every verb with its key and runs the one that is chosen', async () => {
    const fake = fakeWindow();
    const palette = show(CommandPalette, { mode: 'commands' });
    expect(palette.findAll('[role=option]')).toHaveLength(COMMANDS.length - 1);
    await palette.find('input').setValue('theme dark');
    expect(palette.findAll('[role=option]').map((item) => item.text())).toEqual([
      'Theme: darkAlt+Shift+3',
    ]);
    await palette.find('input').trigger('keydown', { key: 'Enter' });
    expect(fake.calls).toContain('theme dark');
  });

  test('shows what cannot be run now, but does not run it', async () => {
    fakeWindow();
    const palette = show(CommandPalette, { mode: 'commands' });
    await palette.find('input').setValue('step over');
    const item = palette.get('[role=option]');
    expect(item.attributes('aria-disabled')).toBe('true');
    expect(command('step.over').key).toBe('F10');
    expect(item.text()).toContain('F10');
  });

  test('opens a bundled guest by its name', async () => {
    fakeWindow();
    usePrograms().guests = [
      {
        name: 'spin',
        description: 'Turns.',
        arguments: [],
        readsTerminal: false,
        entry: 'main',
        tags: [],
      },
    ];
    const palette = show(CommandPalette, { mode: 'commands' });
    await palette.find('input').setValue('open spin');
    expect(palette.findAll('[role=option]').map((item) => item.text())).toEqual([
      'Open guest: spinguest',
    ]);
    await palette.find('input').trigger('keydown', { key: 'Enter' });
    await expect.poll(() => useMachine().program?.name).toBe('spin');
  });

  test('says when nothing matches', async () => {
    fakeWindow();
    const palette = show(CommandPalette, { mode: 'commands' });
    await palette.find('input').setValue('no such verb');
    expect(palette.text()).toContain('Nothing matches.');
  });

  test('finds places by symbol and by address', async () => {
    fakeWindow();
    await openProgram();
    const view = useView();
    const palette = show(CommandPalette, { mode: 'places' });
    await palette.find('input').setValue('do');
    await expect
      .poll(() => palette.findAll('[role=option]').map((each) => each.text()))
      .toEqual(['dotfunction · 00010080']);
    await palette.find('input').setValue('0x10050');
    await expect.poll(() => palette.text()).toContain('Go to 00010050');
    await palette.find('input').trigger('keydown', { key: 'Enter' });
    await expect.poll(() => view.disassemblyPlace).toEqual({ address: 0x10050 });
  });
});

/** The components' sources by their paths. */
const SOURCES = import.meta.glob<string>('../../renderer/**/*.vue', {
  eager: true,
  query: '?raw',
  import: 'default',
});
const ATTRIBUTES = String.raw`((?:\s+[^\s=>]+(?:="[^"]*")?)*)\s*`;
const BUTTON = new RegExp(`<button${ATTRIBUTES}>(.*?)</button>`, 'gs');
const PANE = new RegExp(`<section${ATTRIBUTES}>`, 'g');

describe('every pane', () => {
  const panes = Object.entries(SOURCES).filter(([path]) => path.endsWith('Pane.vue'));

  test('has a key, and the name by which the palette finds its buttons', () => {
    const titles = panes.map(([path, source]) => {
      const found = [...source.matchAll(PANE)].find(([, attributes]) =>
        /class="pane[" ]/.test(attributes),
      );
      return /aria-label="([^"]+)"/.exec(found?.[1] ?? '')?.[1] ?? path;
    });
    expect(titles.sort()).toEqual(Object.values<string>(PANES).sort());
    for (const pane of Object.keys(PANES)) expect(command(`show.${pane}`).key).toMatch(/\d$/);
  });

  test('has a name for each of its buttons, and buttons of commands that there are', () => {
    const unnamed: string[] = [];
    let count = 0;
    for (const [path, source] of Object.entries(SOURCES)) {
      for (const [button, attributes, content] of source.matchAll(BUTTON)) {
        count += 1;
        const text = content.replaceAll(/<[^>]*>/g, '').trim();
        if (text === '' && !/\s:?(aria-label|title)=/.test(attributes)) {
          unnamed.push(`${path}: ${button.slice(0, 80)}`);
        }
      }
      for (const [, verb] of source.matchAll(/\sverb="([^"]+)"/g)) command(verb);
    }
    expect(count).toBeGreaterThan(40);
    expect(unnamed).toEqual([]);
  });

  test('has its buttons in the palette, behind the commands', async () => {
    fakeWindow();
    await openProgram();
    const log = useLog();
    log.add('A message.', 'info');
    show(LogPane);
    const palette = show(CommandPalette, { mode: 'commands' });
    await palette.find('input').setValue('clear log');
    expect(palette.findAll('[role=option]').map((item) => item.text())).toEqual([
      'Log: Clear logbutton',
    ]);
    await palette.find('input').trigger('keydown', { key: 'Enter' });
    await expect.poll(() => log.entries.length).toBe(0);
  });
});
