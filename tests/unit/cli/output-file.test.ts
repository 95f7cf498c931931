import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { OutputFile } from '../../../cli/output-file';

const folder = mkdtempSync(join(tmpdir(), 'hartscope-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that a command writes at its end', () => {
  test('has the new content alone', () => {
    const path = join(folder, 'list.json');
    writeFileSync(path, 'a longer text of before');
    new OutputFile(path).write('new');
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  // Linux does not open a program for writing while it runs, not even for root.
  test.runIf(process.platform === 'linux')('stays as it is if it cannot be opened', async () => {
    const path = join(folder, 'sleep');
    copyFileSync('/bin/sleep', path);
    const before = readFileSync(path);
    const file = new OutputFile(path);
    const running = spawn(path, ['60']);
    try {
      await once(running, 'spawn');
      expect(() => file.write('new')).toThrow(/sleep cannot be written: .*ETXTBSY|busy/);
    } finally {
      running.kill();
      await once(running, 'exit');
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });
});
