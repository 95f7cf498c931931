import { describe, expect, test } from 'vitest';
import type { ScalingCurve, SweepRun } from '../../../emulator/profile/scaling';
import { hartscope } from './memory-host';

describe('hartscope bench', () => {
  test('runs a guest in each mode with each number of vCPUs', async () => {
    const options = ['--json', '--repeat', '1', '--vcpus', '1,2', '--modes', 'shared,call'];
    const { status, stdout } = await hartscope(['bench', ...options, 'mp-matmul']);
    expect(status).toBe(0);
    const { runs, curves } = JSON.parse(stdout.toString()) as {
      runs: SweepRun[];
      curves: ScalingCurve[];
    };
    expect(runs.map(({ mode, vcpus }) => [mode, vcpus])).toEqual([
      ['shared', 1],
      ['shared', 2],
      ['call', 1],
      ['call', 2],
    ]);
    expect(runs.every(({ time, instructions }) => time > 0 && instructions > 1e6)).toBe(true);
    expect(curves.map(({ mode, points }) => [mode, points.length])).toEqual([
      ['shared', 2],
      ['call', 2],
    ]);
  });

  /** Instructions and vCPUs of one run. */
  const counted = async (...words: string[]): Promise<readonly [number, number]> => {
    const { stderr } = await hartscope(['profile', '--json', '--threads', '0', ...words]);
    const { instructions, harts } = JSON.parse(stderr.toString()) as {
      instructions: number;
      harts: readonly unknown[];
    };
    return [instructions, harts.length - 1];
  };
  const variables = (mode: string, vcpus: number): string[] => [
    '--env',
    `HARTSCOPE_VCPUS=${vcpus}`,
    '--env',
    `HARTSCOPE_MODE=${mode}`,
  ];

  test('sets HARTSCOPE_VCPUS and HARTSCOPE_MODE, and says how far it is', async () => {
    const sweep = ['--threads', '0', '--repeat', '2', '--vcpus', '1,3', '--modes', 'fork'];
    const { status, stdout, stderr } = await hartscope(['bench', '--json', ...sweep, 'mp-dot']);
    expect(status).toBe(0);
    const progress = stderr.toString().split('\r').slice(1);
    expect(progress.map((line) => line.trimEnd())).toEqual([
      'round 1 of 2, run 1 of 2: fork, 1 vCPU',
      'round 1 of 2, run 2 of 2: fork, 3 vCPUs',
      'round 2 of 2, run 1 of 2: fork, 1 vCPU',
      'round 2 of 2, run 2 of 2: fork, 3 vCPUs',
    ]);
    const { runs } = JSON.parse(stdout.toString()) as { runs: SweepRun[] };
    const found = runs.map(({ instructions, vcpus }) => [instructions, vcpus]);
    expect(found).toEqual([
      await counted(...variables('fork', 1), 'mp-dot'),
      await counted(...variables('fork', 3), 'mp-dot'),
    ]);
  });

  test('fills {n} and {mode} in, and takes a plain run as the reference', async () => {
    const sweep = ['--threads', '0', '--repeat', '1', '--vcpus', '2', '--modes', 'call'];
    const words = ['--plain', 'plain 1 64', 'mp-dot', '{mode}', '{n}', '64'];
    const json = await hartscope(['bench', '--json', ...sweep, ...words]);
    const { runs } = JSON.parse(json.stdout.toString()) as { runs: SweepRun[] };
    expect(runs.map(({ mode }) => mode)).toEqual(['plain', 'call']);
    expect([runs[1].instructions, runs[1].vcpus]).toEqual(
      await counted(...variables('call', 2), 'mp-dot', 'call', '2', '64'),
    );
    const { status, stdout } = await hartscope(['bench', ...sweep, ...words]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(
      /^mode .*\ncall +2 +[\d.]+ +[\d.]+ +\d+ % +[\d,]+\n\ncall {2}(never|faster) /,
    );
  });

  test.each([
    ['round 1 of 2, run 1', [], 'interrupted: nothing is measured'],
    ['round 1 of 2, run 2', [1], 'interrupted: the best of the runs until then'],
    ['round 2 of 2, run 1', [1, 2], 'interrupted: the best of the runs until then'],
  ])('prints what it has when it is interrupted in %s', async (moment, measured, message) => {
    const sweep = ['--json', '--threads', '0', '--repeat', '2', '--vcpus', '1,2'];
    const { status, stdout, stderr } = await hartscope(
      ['bench', ...sweep, '--modes', 'call', 'mp-dot'],
      { onError: (text) => text.includes(moment) && process.emit('SIGINT', 'SIGINT') },
    );
    expect(status).toBe(130);
    expect(stderr.toString()).toContain(message);
    const text = stdout.toString();
    const { runs } = (text === '' ? { runs: [] } : JSON.parse(text)) as { runs: SweepRun[] };
    expect(runs.map(({ vcpus }) => vcpus)).toEqual(measured);
  });

  test.each([
    [['--vcpus', '0', 'mp-dot'], '--vcpus takes numbers from 1 to 1024'],
    [['--modes', 'thread', 'mp-dot'], 'does not know "thread"'],
    [
      ['--repeat', '1', '--vcpus', '1', '--modes', 'call', 'crash', 'null'],
      'run it by hartscope run',
    ],
    [['--modes', 'call', '--vcpus', '1', 'none'], 'none'],
    [['--modes', 'call', '--vcpus', '2', 'mp-dot'], '--vcpus needs 1, or give --plain'],
  ])('%j says what is wrong', async (args, message) => {
    const { status, stderr } = await hartscope(['bench', ...args]);
    expect(status).toBeGreaterThan(0);
    expect(stderr.toString()).toContain(message);
  });
});
