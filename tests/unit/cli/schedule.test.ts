import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hartscope } from './memory-host';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-schedule-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const run = (options: string[], program: string[], input = ''): ReturnType<typeof hartscope> =>
  hartscope(['run', ...options, '--guest', ...program], { input });

describe('hartscope run --schedule interleaved', () => {
  test('writes the same events for the same seed, and others for another', async () => {
    const events = async (seed: number, file: string): Promise<string> => {
      const options = ['--schedule', `interleaved:200:${seed}`, '--events', at(file)];
      expect((await run(options, ['mp-histogram'])).status).toBe(0);
      return readFileSync(at(file), 'utf8');
    };
    const first = await events(1, 'a');
    expect(first.split('\n').length).toBeGreaterThan(30);
    expect(await events(1, 'b')).toBe(first);
    expect(await events(2, 'c')).not.toBe(first);
  });

  test('repeats a recorded run without its input', async () => {
    const schedule = ['--schedule', 'interleaved:100:9'];
    const recorded = await run([...schedule, '--record', at('calc')], ['calc'], '6 * 7\n1 + 1\n');
    expect(recorded.stdout.toString()).toContain('42');
    const replayed = await run(['--replay', at('calc')], ['calc'], 'something else');
    expect(replayed.stderr.toString()).toBe('');
    expect(replayed).toEqual(recorded);
  });

  test('says where a replay is not the recorded run', async () => {
    const lines = readFileSync(at('calc'), 'utf8').trimEnd().split('\n');
    const bytes = Buffer.from('6 * 8\n1 + 1\n').toString('base64');
    const changed = lines.map((line) => line.replace(/"bytes":"[^"]{5,}"/, `"bytes":"${bytes}"`));
    writeFileSync(at('changed'), changed.join('\n'));
    const result = await run(['--replay', at('changed')], ['calc']);
    expect(result.status).toBe(1);
    expect(result.stderr.toString()).toMatch(/not the recorded one/);
  });

  test.each([
    [['--schedule', 'interleaved:0'], 'A quantum is 1 to'],
    [['--schedule', 'sideways'], 'A schedule is parallel or interleaved'],
    [['--record', '/tmp/x'], '--record needs --schedule interleaved'],
    [['--replay', '/nowhere/x'], '/nowhere/x cannot be read'],
    [['--record', '/nowhere/x', '--schedule', 'interleaved'], '/nowhere/x cannot be written'],
  ])('refuses %j', async (options, message) => {
    const result = await run(options, ['hello']);
    expect(result.status).toBeGreaterThan(0);
    expect(result.stderr.toString()).toContain(message);
  });

  test('refuses recordings of other programs and files that are none', async () => {
    expect((await run(['--replay', at('calc')], ['hello'])).stderr.toString()).toContain(
      'is the recording of another program',
    );
    writeFileSync(at('none'), 'hello\n');
    expect((await run(['--replay', at('none')], ['hello'])).stderr.toString()).toContain(
      'Line 1 of the recording is wrong: it is no JSON',
    );
  });
});
