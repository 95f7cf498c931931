import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findGuest, guestPath } from '../../../cli/catalogue';
import { hartscope } from './memory-host';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartscope-root-'));
  mkdirSync(join(folder, 'root', 'usr', 'bin'), { recursive: true });
  mkdirSync(join(folder, 'work'));
  writeFileSync(join(folder, 'work', 'in.txt'), 'text of the host\n');
  for (const name of ['hello', 'copy']) {
    const guest = findGuest(name);
    if (guest !== undefined)
      copyFileSync(guestPath(guest), join(folder, 'root', 'usr', 'bin', name));
  }
  writeFileSync(join(folder, 'root', 'usr', 'bin', 'text'), 'no program', { mode: 0o755 });
  writeFileSync(join(folder, 'root', 'usr', 'bin', 'locked'), '', { mode: 0o644 });
});

afterAll(() => rmSync(folder, { recursive: true }));

async function run(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const { status, stdout, stderr } = await hartscope(['run', ...words]);
  return { status, out: stdout.toString(), err: stderr.toString() };
}

describe('hartscope run --root', () => {
  test('names a program by its path in the guest, its path on the host, or its name', async () => {
    const root = join(folder, 'root');
    for (const name of ['/usr/bin/hello', join(root, 'usr/bin/hello'), 'hello']) {
      expect(await run('--root', root, name)).toMatchObject({
        status: 0,
        out: 'Hello from RISC-V\n',
      });
    }
  });

  test('says what is missing or cannot be run', async () => {
    const root = join(folder, 'root');
    expect(await run('--root', root, '/usr/bin/absent')).toMatchObject({ status: 127 });
    expect(await run('--root', root, '/usr/bin/text')).toMatchObject({ status: 126 });
    const locked = await run('--root', root, '/usr/bin/locked');
    expect(locked).toMatchObject({ status: 126, err: 'hartscope: /usr/bin/locked: EACCES\n' });
  });

  test('is an option of profile and bench too', async () => {
    const root = join(folder, 'root');
    const profiled = await hartscope(['profile', '--root', root, '/usr/bin/hello']);
    expect(profiled).toMatchObject({ status: 0 });
    expect(profiled.stdout.toString()).toBe('Hello from RISC-V\n');
    expect(profiled.stderr.toString()).toContain('_start');
    const sweep = ['--vcpus', '1', '--modes', 'call', '--repeat', '1'];
    const words = ['bench', '--root', root, ...sweep, '/usr/bin/hello'];
    expect(await hartscope(words)).toMatchObject({ status: 0 });
  });

  test('says when the folder is none', async () => {
    const absent = join(folder, 'absent');
    const what = `${absent}: no such file or directory\n`;
    expect(await run('--root', absent, 'hello')).toMatchObject({
      status: 2,
      err: `hartscope: --root ${what}`,
    });
    expect(await run('--dir', `${absent}:/work`, 'hello')).toMatchObject({
      status: 2,
      err: `hartscope: --dir ${what}`,
    });
  });
});

describe('hartscope run --dir', () => {
  test.each([['work'], ['host:relative'], ['host:/'], ['host:/a/../b']])(
    'refuses %s',
    async (value) => {
      expect((await run('--dir', value, 'hello')).status).toBe(2);
    },
  );
});

describe('limits', () => {
  test('--max-threads: a guest that starts more gets EAGAIN', async () => {
    const { status, stdout } = await hartscope(['run', '--max-threads', '2', 'threads']);
    expect(status).toBe(1);
    expect(stdout.toString()).toContain('pthread_create: Resource temporarily unavailable');
  });

  test('--vcpu-limit: vCPUs of the plain calls fail behind it, those of tasks have limits of their own', async () => {
    const dot = async (limit: number, mode: string): Promise<string> =>
      (await run('--vcpu-limit', String(limit), 'mp-dot', mode, '4')).out.split('= ')[1];
    expect(await dot(1000, 'post')).toBe('0\n');
    expect(await dot(1_000_000, 'post')).toBe('8192\n');
    expect(await dot(1000, 'call')).toBe('8192\n');
  });

  test('--max-output: writing fails behind it', async () => {
    const { stdout } = await hartscope(['run', '--max-output', '10', 'hello']);
    expect(stdout.toString()).toBe('Hello from');
  });
});

test('a program of the host is seen in the guest at the path that it was named by', async () => {
  const path = join(folder, 'root', 'usr', 'bin', 'hello');
  const { out, err } = await run('--strace', path);
  expect(out).toBe('Hello from RISC-V\n');
  expect(err).not.toContain('ENOSYS');
  expect(readFileSync(join(folder, 'work', 'in.txt'), 'utf8')).toBe('text of the host\n');
});
