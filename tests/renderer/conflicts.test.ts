import type { VueWrapper } from '@vue/test-utils';
import { describe, expect, test } from 'vitest';
import type { ConflictsInfo } from '../../emulator/debug/protocol-conflicts';
import { command, runCommand } from '../../renderer/commands';
import ConflictsPane from '../../renderer/panes/conflicts/ConflictsPane.vue';
import { useView } from '../../renderer/stores/view';
import { useWorkbench } from '../../renderer/workbench';
import { fakeWindow, openProgram, show } from './support';

const FOUND: Pick<ConflictsInfo, 'conflicts' | 'falseSharing' | 'missing'> = {
  conflicts: [
    {
      number: 1,
      kind: 'race',
      location: { address: 0x12008, symbol: 'partial', offset: 8 },
      size: 4,
      count: 1200,
      first: {
        hart: 1,
        task: 1,
        vcpu: 1,
        access: 'store',
        value: '0x00000005',
        old: '0x00000000',
        instructions: 345,
        location: { address: 0x10084, symbol: 'dot', offset: 4 },
      },
      second: {
        hart: 0,
        access: 'load',
        value: '0x00000005',
        instructions: 99,
        location: { address: 0x10044, symbol: 'main', offset: 4 },
      },
    },
    {
      number: 1,
      kind: 'conflict',
      location: { address: 0x12000, symbol: 'partial', offset: 0 },
      size: 1,
      count: 1,
      first: { hart: 0, access: 'store', value: '0x01', old: '0x00' },
      second: {
        hart: 2,
        task: 1,
        vcpu: 2,
        access: 'store',
        value: '0x02',
        old: '0x00',
        instructions: 7,
        location: { address: 0x10088, symbol: 'dot', offset: 8 },
      },
    },
  ],
  falseSharing: [
    {
      level: 'line',
      location: { address: 0x12040 },
      size: 64,
      count: 4000,
      first: {
        hart: 1,
        task: 1,
        vcpu: 1,
        loads: 1000,
        stores: 1000,
        location: { address: 0x10084 },
        from: 0x12040,
        to: 0x12048,
      },
      second: {
        hart: 2,
        task: 1,
        vcpu: 2,
        loads: 1000,
        stores: 1000,
        location: { address: 0x10084 },
        from: 0x12048,
        to: 0x12050,
      },
    },
  ],
  missing: ['3 more races are not listed'],
};

async function openPane(found = FOUND): Promise<VueWrapper> {
  const fake = fakeWindow();
  const machine = await openProgram();
  fake.machines[0].found = found;
  await machine.requests().stepInstruction(0);
  return show(ConflictsPane);
}

describe('the Conflicts pane', () => {
  test('says that no guest is open', () => {
    fakeWindow();
    expect(show(ConflictsPane).text()).toContain('No guest is open.');
  });

  test('says that there is nothing, and whether the race check is on', async () => {
    const pane = await openPane({ conflicts: [], falseSharing: [], missing: [] });
    await expect
      .poll(() => pane.text())
      .toContain('Races are looked for when the race check is on.');
    expect(pane.text()).toContain('race check off');
  });

  test('lists races, conflicts and false sharing with both sides', async () => {
    const pane = await openPane();
    await expect.poll(() => pane.findAll('article')).toHaveLength(3);
    expect(pane.text()).toContain('1 race, 1 conflict, 1 shared falsely');
    const [race, conflict, sharing] = pane.findAll('article').map((entry) => entry.text());
    expect(race).toContain('race 1');
    expect(race).toContain('4 bytes at');
    expect(race).toContain('partial+0x8');
    expect(race).toContain('hart 1, vCPU 1 of task 1');
    expect(race).toContain('store 0x00000005 over 0x00000000');
    expect(race).toContain('hart 0');
    expect(race).toContain('main+0x4');
    expect(conflict).toContain('unknown place');
    expect(conflict).toContain('stays');
    expect(sharing).toContain('shared line');
    expect(pane.text()).toContain('3 more races are not listed');
  });

  test('leads to the bytes and to the code of each side', async () => {
    const pane = await openPane();
    await expect.poll(() => pane.findAll('article')).toHaveLength(3);
    const view = useView();
    const [bytes, first] = pane.findAll('article')[0].findAll('button');
    await bytes.trigger('click');
    await expect.poll(() => view.memoryPlace).toEqual({ address: 0x12008 });
    // The links are reached by Tab.
    for (const link of [bytes, first]) expect(link.element.tabIndex).toBe(0);
    await first.trigger('click');
    await expect.poll(() => view.sourcePlace).toEqual({ path: 'src/fake.c', line: 17 });
    expect(view.disassemblyPlace).toEqual({ address: 0x10084 });
  });

  test('the race check is switched on for the next start, by command and key', async () => {
    const pane = await openPane({ conflicts: [], falseSharing: [], missing: [] });
    const bench = useWorkbench();
    expect(command('raceCheck').key).toBe('Ctrl+Shift+R');
    await runCommand(command('raceCheck'), bench);
    await expect.poll(() => pane.text()).toContain('race check on after restart');
    await bench.machine.restart();
    await expect
      .poll(() => pane.text())
      .toContain('No race, no conflict and no false sharing so far.');
  });
});
