import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import type { MachineRequests, PagesInfo } from '../../emulator/debug/protocol';
import EventsPane from '../../renderer/panes/events/EventsPane.vue';
import GuestsPane from '../../renderer/panes/guests/GuestsPane.vue';
import { ageChanges, layoutMap, pageAt, placeOf } from '../../renderer/panes/pages/address-map';
import { diffBlocks } from '../../renderer/panes/pages/page-diff';
import { totalsSentence, trackingSentence } from '../../renderer/panes/pages/page-states';
import { usePageRows } from '../../renderer/panes/pages/page-rows';
import PagesPane from '../../renderer/panes/pages/PagesPane.vue';
import { useView } from '../../renderer/stores/view';
import { fakeWindow, loadLists, openProgram, show, type FakeWindow } from './support';

const pagesOf = (pane: VueWrapper): string[] =>
  pane.findAll('[data-page]').map((row) => row.attributes('data-page') ?? '');

/** Up to three runs of pages in one address space, by their cells. */
const mapped = (cells: readonly number[]): PagesInfo => ({
  version: 1,
  states: ['unmapped', 'owned', 'shared'],
  spaces: [{ space: 1, harts: [0], totals: [] }],
  first: Uint32Array.of(16, 100, 200).slice(0, cells.length),
  count: Uint32Array.of(4, 10, 6).slice(0, cells.length),
  cells: Uint8Array.from(cells),
  labels: ['text'],
  labelOf: new Uint16Array(cells.length),
  symbols: [''],
  symbolsOf: new Uint32Array(cells.length),
  leftOut: { rows: 0, spaces: 0 },
  tracking: { isOn: false },
});

/** The pane with main and three vCPUs. */
async function pagesPane(): Promise<{
  pane: VueWrapper;
  fake: FakeWindow;
  machine: Awaited<ReturnType<typeof openProgram>>;
}> {
  const fake = fakeWindow();
  const machine = await openProgram();
  fake.machines[0].harts = 4;
  await machine.requests().stepInstruction(0);
  const pane = show(PagesPane);
  await expect.poll(() => pane.findAll('[data-space]')).toHaveLength(4);
  return { pane, fake, machine };
}

describe('the Pages pane', () => {
  test('is empty while no guest is open', () => {
    fakeWindow();
    expect(show(PagesPane).text()).toContain('No guest is open.');
  });

  test('shows runs with their segment, variable, and state in each address space', async () => {
    const { pane } = await pagesPane();
    const row = pane.get('[data-page="18"]');
    expect(row.find('.label').text()).toBe('data');
    expect(row.find('.symbols').text()).toBe('partial');
    expect(row.findAll('[role=gridcell]').map((cell) => cell.text())).toEqual([
      'L rw',
      'B rw',
      'B rw',
      'B rw',
    ]);
    expect(pane.get('[data-cell="262128.0"]').text()).toBe('');
    expect(pane.get('[data-cell="262128.2"]').text()).toBe('# –');
  });

  test('counts the pages of the focused hart', async () => {
    const { pane, machine } = await pagesPane();
    machine.focusHart = 2;
    await expect
      .poll(() => pane.get('[data-testid=page-totals]').text())
      .toBe('Hart 2, vCPU 2 of task 1 (call): 1 page private, 1 borrowed, 1 shared, 1 zero');
    expect(pane.get('.legend [data-state=borrowed] .number').text()).toBe('1');
  });

  test('filters by state and by text', async () => {
    const { pane } = await pagesPane();
    expect(pagesOf(pane)).toHaveLength(5);
    await pane.get('.legend [data-state=borrowed]').trigger('click');
    expect(pagesOf(pane)).toEqual(['18']);
    await pane.get('.legend [data-state=borrowed]').trigger('click');
    await pane.get('input').setValue('stack');
    expect(pagesOf(pane)).toEqual([String(0x3fff1)]);
    await pane.get('input').setValue('12abc');
    expect(pagesOf(pane)).toEqual(['18']);
    await pane.get('input').setValue('nothing');
    expect(pane.text()).toContain('No page passes the filter.');
  });

  test('shows a cell’s page in Memory as its hart sees it, and tells of its frame', async () => {
    const { pane, machine } = await pagesPane();
    await pane.get('[data-cell="18.3"]').trigger('click');
    expect(machine.focusHart).toBe(3);
    await expect.poll(() => useView().memoryPlace?.address).toBe(0x12000);
    await expect.poll(() => pane.find('[data-testid=page-inspector]').exists()).toBe(true);
    const text = pane.get('.facts').text();
    expect(text).toContain('borrowed rw- · frame 77, 4 references');
    expect(text).toContain('borrowed from');
  });

  test('follows a loan from the borrower to its lender', async () => {
    const { pane, machine } = await pagesPane();
    await pane.get('[data-cell="18.3"]').trigger('click');
    await expect.poll(() => pane.find('[data-follow]').exists()).toBe(true);
    expect(pane.get('[data-follow]').text()).toBe('hart 0');
    await pane.get('[data-follow]').trigger('click');
    expect(machine.focusHart).toBe(0);
  });

  test('tells a page’s life and who wrote it first in each address space', async () => {
    const { pane } = await pagesPane();
    await pane.get('[data-cell="18.1"]').trigger('click');
    await expect.poll(() => pane.findAll('[role=tab]')).toHaveLength(2);
    await pane.findAll('[role=tab]')[0].trigger('click');
    await expect
      .poll(() => pane.findAll('[data-first]').map((line) => line.text()))
      .toEqual([
        'First written since its fork by  hart 1 at main+0x4',
        'First written since its fork by  hart 2 at main+0x4',
      ]);
    const kinds = pane.findAll('[data-testid=page-life] .kind').map((each) => each.text());
    expect(kinds).toEqual(['loan', 'copy']);
  });

  test('tracks writes when asked, and says who wrote a page last and what that costs', async () => {
    const { pane, fake } = await pagesPane();
    expect(pane.get('[data-testid=tracking-cost]').text()).toBe('');
    await pane.get('[data-testid=track-writes]').setValue(true);
    await expect.poll(() => fake.machines[0].tracking.isOn).toBe(true);
    await expect
      .poll(() => pane.get('[data-testid=tracking-cost]').text())
      .toBe('12.3× slower, 40 MIPS');
    await pane.get('[data-cell="18.1"]').trigger('click');
    await expect.poll(() => pane.findAll('[role=tab]')).toHaveLength(2);
    await pane.findAll('[role=tab]')[0].trigger('click');
    await expect
      .poll(() => pane.findAll('[data-write]').map((line) => line.text()))
      .toEqual([
        'First written in this run by hart 1 at _start, main.c:12, 4 bytes at 00012008',
        'Last written by hart 1 at _start+0x8, main.c:12, 4 bytes at 00012008',
      ]);
  });

  test('compares a page with what a vCPU saw at its fork', async () => {
    const { pane, fake } = await pagesPane();
    const asked: string[] = [];
    const read = fake.machines[0].readMemory.bind(fake.machines[0]);
    const machine: MachineRequests = fake.machines[0];
    machine.readMemory = async (address, length, hart, time) => {
      asked.push(`${hart} ${time}`);
      return read(address, length);
    };
    await pane.get('[data-cell="18.0"]').trigger('click');
    await expect.poll(() => pane.findAll('[role=tab]')).toHaveLength(2);
    await pane.findAll('[role=tab]')[1].trigger('click');
    await expect.poll(() => asked.slice(-2)).toEqual(['0 now', '1 fork']);
    await pane.get('[data-testid=diff-left]').setValue('3 now');
    await expect.poll(() => asked.slice(-2)).toEqual(['3 now', '1 fork']);
    await expect.poll(() => pane.get('[data-testid=diff-sentence]').text()).toBe('no difference');
  });

  test('compares a borrowed page with what its vCPU saw at its fork, and says where they differ', async () => {
    const { pane, fake } = await pagesPane();
    const read = fake.machines[0].readMemory.bind(fake.machines[0]);
    const machine: MachineRequests = fake.machines[0];
    machine.readMemory = async (address, length, _hart, time) => {
      const block = await read(address, length);
      // Hart 1 has written through its loan: main has the same, only the fork began otherwise.
      if (time === 'now') block.bytes[0x23] ^= 0xff;
      return block;
    };
    await pane.get('[data-cell="18.1"]').trigger('click');
    await expect.poll(() => pane.findAll('[role=tab]')).toHaveLength(2);
    await pane.findAll('[role=tab]')[1].trigger('click');
    await expect.poll(() => pane.get('[data-testid=diff-sentence]').text()).toBe('1 byte differs');
    expect(pane.get('[data-testid=diff-right]').element).toHaveProperty('value', '1 fork');
    expect(pane.get('.line .address').text()).toBe('00012020');
    expect(pane.findAll('.side .differs')).toHaveLength(2);
  });

  test('shows the address space as a map, by state, permission or recency', async () => {
    const { pane, machine } = await pagesPane();
    await pane.get('[data-view=map]').trigger('click');
    const map = pane.get('[data-testid=address-map]');
    const about = (): string => map.get('.about').text();
    expect(about()).toBe('3 pages');
    expect(map.findAll('.segment').map((each) => each.text())).toEqual([
      '00010000text',
      '00012000data',
      '3fff1000stack',
    ]);
    await pane.get('[data-testid=map-zeros]').setValue(true);
    expect(about()).toBe('4 pages');
    await map.trigger('keydown', { key: 'ArrowDown' });
    await expect.poll(about).toContain('00010000 text shared rx');
    const legend = (): string[] => pane.findAll('.legend li').map((each) => each.text());
    await pane.get('input[value=permission]').setValue(true);
    expect(legend()).toEqual(['r', 'rw', 'rx', 'rwx', 'no access']);
    await pane.get('input[value=recency]').setValue(true);
    expect(legend()).toContain('state changed at the last stop');
    machine.focusHart = 2;
    await expect.poll(() => map.attributes('aria-label')).toContain('Map of the address space');
  });

  test('marks cells whose state the last stop changed', async () => {
    const { pane, fake, machine } = await pagesPane();
    expect(pane.findAll('.changed')).toHaveLength(0);
    const pages = fake.machines[0].pages.bind(fake.machines[0]);
    fake.machines[0].pages = async () => {
      const info = await pages();
      const PRIVATE = info.states.indexOf('private');
      // Hart 1 has copied the page of `partial`.
      info.cells[1 * 4 + 1] = 8 * PRIVATE + 3;
      return info;
    };
    await machine.requests().stepInstruction(0);
    await expect.poll(() => pane.findAll('.cell.changed')).toHaveLength(1);
    expect(pane.get('[data-cell="18.1"]').classes()).toContain('page-private');
  });

  test('marks nothing, in the table as in the map, when stops were missed', () => {
    const rows = usePageRows();
    const info = (cell: number, version: number): PagesInfo => ({ ...mapped([cell]), version });
    rows.take(info(8, 1), 1);
    rows.take(info(16, 2), 1);
    const marks = (): boolean[] => rows.visible.value.map(({ cells }) => cells[0].changed);
    expect(marks()).toEqual([true]);
    // What is seen while the guest runs is no stop: the next one is compared with the last.
    rows.take(info(8, 3), 0);
    rows.take(info(16, 4), 1);
    expect(marks()).toEqual([false]);
    rows.take(info(8, 5), 2);
    expect(marks()).toEqual([false]);
  });

  test('draws only the rows in sight of a hundred thousand, and keeps its place', async () => {
    const { pane, fake, machine } = await pagesPane();
    fake.machines[0].heapPages = 100_000;
    await machine.requests().stepInstruction(0);
    await expect.poll(() => pane.get('[role=grid]').attributes('aria-rowcount')).toBe('100005');
    expect(pagesOf(pane).length).toBeLessThan(30);
    const grid = pane.get('[role=grid]');
    await pane.get('[data-cell="18.1"]').trigger('click');
    for (let n = 0; n < 4; n++) await grid.trigger('keydown', { key: 'PageDown' });
    await expect.poll(() => Number(pagesOf(pane)[0])).toBeGreaterThan(0x100);
    const [top] = pagesOf(pane);
    await machine.requests().stepInstruction(0);
    const { pageRequests } = fake.machines[0];
    await expect.poll(() => fake.machines[0].pageRequests).toBeGreaterThanOrEqual(pageRequests);
    expect(pagesOf(pane)[0]).toBe(top);
  });

  test('stays live while the guest runs', async () => {
    const { fake, machine } = await pagesPane();
    await machine.requests().run();
    await expect.poll(() => machine.busy).toBe(true);
    const before = fake.machines[0].pageRequests;
    await expect.poll(() => fake.machines[0].pageRequests).toBeGreaterThan(before + 1);
    await machine.requests().pause();
  });

  test('says what there was no room for', async () => {
    const { pane, fake, machine } = await pagesPane();
    const pages = fake.machines[0].pages.bind(fake.machines[0]);
    fake.machines[0].pages = async () => ({ ...(await pages()), leftOut: { rows: 9, spaces: 2 } });
    await machine.requests().stepInstruction(0);
    await expect.poll(() => pane.text()).toContain('9 further runs are not shown');
    expect(pane.text()).toContain('2 further address spaces are not shown');
  });
});

test('the totals of a fork are a sentence', () => {
  const states = ['unmapped', 'private', 'borrowed'];
  expect(totalsSentence(states, [9, 3, 1])).toBe('3 pages private, 1 borrowed');
  expect(totalsSentence(states, [9, 0, 1])).toBe('1 page borrowed');
  expect(totalsSentence(states, [9, 0, 0])).toBe('no pages');
});

test('what tracking costs is said when enough has run', () => {
  expect(trackingSentence({ isOn: false })).toBe('');
  expect(trackingSentence({ isOn: true, mips: 0.2 })).toBe('slow-down not measured yet');
  expect(trackingSentence({ isOn: true, mips: 41 })).toBe('41 MIPS, slow-down not measured yet');
  expect(trackingSentence({ isOn: true, mips: 41, slowdown: 9.26 })).toBe('9.3× slower, 41 MIPS');
});

describe('the Events pane', () => {
  test('lists what happened, the newest last, and what was lost', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(EventsPane);
    await expect.poll(() => pane.findAll('[data-event]')).toHaveLength(4);
    const rows = pane.findAll('[data-event]');
    expect(rows[1].text()).toContain('forks its address space');
    expect(rows[2].text()).toContain('borrows page 00012000, frame 1 → 2');
    expect(pane.text()).toContain('4 events, 3 were lost');
  });

  test('filters, and shows an event’s page in Pages', async () => {
    fakeWindow();
    await openProgram();
    const pane = show(EventsPane);
    await expect.poll(() => pane.findAll('[data-event]')).toHaveLength(4);
    await pane.get('input').setValue('hart 1');
    expect(pane.findAll('[data-event]').map((row) => row.attributes('data-event'))).toEqual([
      'loan',
    ]);
    await pane.get('input').setValue('');
    await pane.get('[aria-label="Kinds of events"]').setValue('Mappings');
    await expect.poll(() => pane.findAll('[data-event]')).toHaveLength(1);
    expect(pane.text()).toContain('maps 2 pages');
    await pane.get('[aria-label="Kinds of events"]').setValue('loan');
    await expect.poll(() => pane.text()).toContain('borrows page');
    await pane.get('[aria-label="Harts whose events are shown"]').setValue('0');
    await expect.poll(() => pane.text()).toContain('No event passes the filter.');
    await pane.get('[aria-label="Harts whose events are shown"]').setValue('');
    await expect.poll(() => pane.findAll('button.what')).toHaveLength(1);
    await pane.get('button.what').trigger('click');
    await expect.poll(() => useView().pagesPlace?.address).toBe(0x12000);
  });
});

test('guests that fork carry their tag, and one click lists only them', async () => {
  fakeWindow();
  const programs = await loadLists();
  const [dot, crash] = programs.guests;
  programs.guests = [dot, { ...crash, name: 'mp-dot', tags: ['multiprocess'] }];
  const pane = show(GuestsPane);
  await pane.get('.pick').trigger('click');
  expect(pane.findAll('.name').map((name) => name.text())).toEqual(['mp-dotmultiprocess']);
  await pane.get('.pick').trigger('click');
  expect(pane.findAll('.name')).toHaveLength(3);
});

describe('the map of an address space', () => {
  const pages = mapped([8 + 5, 0, 16 + 3]);

  test('has a place for each mapped page, and a page at each place', () => {
    const layout = layoutMap(pages, 0, 100, 40);
    expect(layout.pages).toBe(10);
    for (const page of [16, 19, 200, 205]) {
      const place = placeOf(pages, layout, page);
      expect(place && pageAt(pages, layout, place.x + 1, place.y + 1)).toBe(page);
    }
    expect(placeOf(pages, layout, 100)).toBeUndefined();
    expect(pageAt(pages, layout, 99, 39)).toBeUndefined();
  });

  test('begins a line with each segment, and names it', () => {
    const named = { ...pages, labels: ['text', 'data', 'stack'], labelOf: Uint16Array.of(0, 1, 2) };
    const { segments } = layoutMap(named, 0, 100, 100);
    expect(segments).toEqual([
      { label: 'text', first: 16, pages: 4, line: 0 },
      { label: 'stack', first: 200, pages: 6, line: 1 },
    ]);
  });

  test('fits a million pages into the pane', () => {
    const many = { ...pages, count: Uint32Array.of(4, 10, 1_000_000) };
    const layout = layoutMap(many, 0, 500, 300);
    const { line, pages: last } = layout.segments.at(-1) ?? { line: 0, pages: 0 };
    expect((line + Math.ceil(last / layout.columns)) * layout.side).toBeLessThanOrEqual(300);
  });

  test('lets changes fade from stop to stop', () => {
    const once = ageChanges(new Map(), mapped([16 + 5, 0, 16 + 3]), pages);
    expect([...once]).toEqual([[16, 0]]);
    expect([...ageChanges(once, pages, pages)]).toEqual([[16, 1]]);
    expect([...ageChanges(once, pages, null)]).toEqual([]);
    let ages: ReadonlyMap<number, number> = once;
    for (let stop = 0; stop < 6; stop++) ages = ageChanges(ages, pages, pages);
    expect(ages.size).toBe(0);
  });
});

test('two views of a page differ where one of them has a hole, too', () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  const diff = diffBlocks(
    { address: 0x1000, bytes, holes: [] },
    { address: 0x1000, bytes, holes: [{ start: 0x1010, end: 0x1012 }] },
  );
  expect(diff.differing).toBe(2);
  expect(diff.lines.map(({ address }) => address)).toEqual([0x1010]);
  expect(diff.lines[0].right[0]).toEqual({ text: '  ', differs: true });
});
