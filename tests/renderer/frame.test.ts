import { describe, expect, test } from 'vitest';
import HartStrip from '../../renderer/parts/HartStrip.vue';
import MachineBanner from '../../renderer/parts/MachineBanner.vue';
import { hint, runStateText } from '../../renderer/parts/run-state';
import StatusLine from '../../renderer/parts/StatusLine.vue';
import TitleToolbar from '../../renderer/parts/TitleToolbar.vue';
import { useMachine } from '../../renderer/stores/machine';
import { fakeWindow, openProgram, show } from './support';

describe('the toolbar', () => {
  test('disables every run verb while no guest is open', () => {
    fakeWindow();
    const toolbar = show(TitleToolbar);
    for (const verb of ['run', 'step.over', 'step.into', 'step.out', 'restart', 'stop'])
      expect(toolbar.get(`[data-verb="${verb}"]`).attributes()).toHaveProperty('disabled');
    expect(toolbar.get('[data-testid=run-state]').text()).toBe('No guest');
  });

  test('offers pause in the place of run while the guest runs', async () => {
    fakeWindow();
    const machine = await openProgram();
    const toolbar = show(TitleToolbar);
    await toolbar.get('[data-verb=run]').trigger('click');
    await expect.poll(() => toolbar.find('[data-verb=pause]').exists()).toBe(true);
    expect(toolbar.find('[data-verb=run]').exists()).toBe(false);
    expect(toolbar.get('[data-testid=mips]').text()).toBe('412');
    await toolbar.get('[data-verb=pause]').trigger('click');
    await expect.poll(() => machine.running).toBe(false);
    expect(toolbar.get('[data-testid=run-state]').text()).toBe('Paused at main');
  });

  test('names each verb with its key', async () => {
    fakeWindow();
    await openProgram();
    const verb = show(TitleToolbar).get('[data-verb="step.over"]');
    expect(verb.attributes()).toMatchObject({
      title: 'Step over (F10)',
      'aria-label': 'Step over',
      'aria-keyshortcuts': 'F10',
    });
  });
});

describe('the harts strip', () => {
  test('says when there are no harts', () => {
    fakeWindow();
    expect(show(HartStrip).text()).toBe('No harts');
  });

  test('says why the process of a vCPU is gone', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const strip = show(HartStrip);
    const note = 'its process 4711 was killed by SIGKILL';
    fake.machines[0].ended = [
      {
        hart: 2,
        task: { id: 1, mode: 'workspace', vcpu: 2 },
        reason: 'killed',
        failed: true,
        location: { address: 0x10000 },
        instructions: 5,
        note,
      },
    ];
    await machine.requests().stepInstruction(0);
    await expect.poll(() => strip.findAll('.gone')).toHaveLength(1);
    expect(strip.get('.gone').attributes('aria-label')).toContain(`killed`);
    expect(strip.get('.gone').attributes('title')).toContain(`Why: ${note}.`);
  });

  test('has a cell for each hart and focuses the one that is clicked', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const strip = show(HartStrip);
    fake.machines[0].harts = 4;
    await machine.requests().stepInstruction(0);
    await expect.poll(() => strip.findAll('[role=option]')).toHaveLength(4);
    const third = strip.get('[data-hart="2"]');
    expect(third.attributes('aria-label')).toBe(
      'Hart 2: stopped in main+0x14, 1 instructions, vCPU 2 of task 1 (call) · thread 1',
    );
    const runners = strip.findAll('[data-testid=runner]').map((runner) => runner.text());
    expect(runners).toEqual(['home', 'home', 'thread 1', 'process 4711']);
    await third.trigger('click');
    expect(machine.focusHart).toBe(2);
    expect(third.attributes('aria-selected')).toBe('true');
  });
});

describe('the status line', () => {
  test('says what to press next', async () => {
    fakeWindow();
    const line = show(StatusLine);
    expect(line.text()).toContain('Choose a guest');
    const machine = await openProgram();
    await expect.poll(() => line.text()).toContain('F10 steps over');
    await machine.requests().run();
    await expect.poll(() => line.text()).toContain('F6 pauses');
  });

  test('says which share of the instructions ran translated', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    const line = show(StatusLine);
    expect(line.find('[data-testid=translated]').exists()).toBe(false);
    fake.machines[0].translated.add('main');
    fake.machines[0].instructions = 1_000_000;
    await machine.requests().stepInstruction(0);
    await expect.poll(() => line.text()).toMatch(/(49|50) % translated/);
  });

  test('tells the user to type when the guest waits for input', () => {
    const harts = [
      { id: 0, state: 'waiting', location: { address: 0 }, instructions: 1, waitsFor: 'input' },
    ] as const;
    const state = {
      sequence: 1,
      running: true,
      harts,
      endedVcpus: [],
      instructions: 1,
      residentBytes: 0,
    };
    const facts = { hasProgram: true, isMultiprocess: false, focus: 0, width: 'hart' } as const;
    expect(hint('open', state, facts)).toContain('type in the Terminal');
    expect(runStateText('open', state)).toBe('Running · waits for input');
  });
});

describe('a machine whose process ended', () => {
  test('is reported with the reason and can be started again', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    await machine.addBreakpoint({ at: 'dot', enabled: true });
    const banner = show(MachineBanner);
    machine.lose(0, 'The machine process was killed (code 9).');
    await expect.poll(() => banner.text()).toContain('was killed (code 9)');
    expect(machine.phase).toBe('lost');
    await banner.get('button').trigger('click');
    await expect.poll(() => machine.phase).toBe('open');
    expect(fake.machines).toHaveLength(2);
    expect(machine.breakpoints.map(({ at }) => at)).toEqual(['dot']);
  });

  test('does not disturb another machine', async () => {
    fakeWindow();
    const machine = await openProgram();
    machine.lose(7, 'The machine process was killed.');
    expect(machine.phase).toBe('open');
  });

  test('rejects the requests that wait for it', async () => {
    const fake = fakeWindow();
    const machine = await openProgram();
    fake.machines[0].registers = () => new Promise(() => undefined);
    const waiting = machine.requests().registers(0);
    machine.lose(0, 'The machine process crashed.');
    await expect(waiting).rejects.toThrow('The machine process crashed.');
  });
});

test('a program that cannot be opened is reported, and nothing is left open', async () => {
  const fake = fakeWindow();
  const machine = useMachine();
  const broken = {
    name: 'broken',
    bytes: Uint8Array.of(1),
    sha256: 'b'.repeat(64),
    arguments: [],
    stopAt: 'main',
  };
  await machine.open(broken, { args: [], environment: [] });
  expect(machine.phase).toBe('failed');
  expect(show(MachineBanner).text()).toContain('broken cannot be opened: the file is truncated');
  expect(fake.calls).toEqual(['end 0']);
});

describe('quick key presses', () => {
  test('step as often as they are pressed, and are not shown as running', async () => {
    fakeWindow();
    const machine = await openProgram();
    const toolbar = show(TitleToolbar);
    const step = toolbar.get('[data-verb="step.into"]');
    await Promise.all([step.trigger('click'), step.trigger('click')]);
    await expect.poll(() => toolbar.get('[data-testid=instructions]').text()).toBe('2');
    expect(machine.busy).toBe(false);
  });

  test('beyond the second do not pile up', async () => {
    fakeWindow();
    const machine = await openProgram();
    const asked: number[] = [];
    const steps = [1, 2, 3, 4].map((id) =>
      machine.resume(() => {
        asked.push(id);
        return Promise.resolve();
      }),
    );
    await Promise.all(steps);
    expect(asked).toEqual([1, 2]);
  });
});
