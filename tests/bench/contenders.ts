import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guestFile, runGuest } from './engine-run';
import { UtilityProcess } from './utility-process';

/** Something that runs guests: what they print. */
export interface Contender {
  readonly name: ContenderName;
  run(guest: string, args: readonly string[]): string | Promise<string>;
}

/** `scalar` is native code without vector instructions, `utility` the translator in Electron's utility process. */
export type ContenderName = 'interpreter' | 'translated' | 'utility' | 'native' | 'scalar' | 'qemu';

const execute = promisify(execFile);

function command(
  name: ContenderName,
  words: (guest: string) => readonly [string, ...string[]],
): Contender {
  return {
    name,
    async run(guest, args) {
      const [file, ...before] = words(guest);
      return (await execute(file, [...before, ...args])).stdout;
    },
  };
}

export const QEMU = 'qemu-riscv64-static';

/** Whether a command is there. */
export const isInstalled = (tool: string): boolean =>
  spawnSync(tool, ['--version']).error === undefined;

export interface Contenders {
  readonly all: readonly Contender[];
  /** What could not take part, and why. */
  readonly absent: readonly string[];
  /** Ends what was started, and removes what was built for the comparison. */
  close(): void;
}

/** Everything that can run the kernels here: always the emulator's engines, the others where there is a tool. */
export async function findContenders(): Promise<Contenders> {
  const all: Contender[] = [
    { name: 'interpreter', run: (guest, args) => runGuest(guest, args, 'interpreter').text },
    { name: 'translated', run: (guest, args) => runGuest(guest, args, 'auto').text },
  ];
  const absent: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'hartscope-bench-'));
  const utility = await UtilityProcess.start(folder).catch((error: unknown) => {
    absent.push(`utility: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  if (utility) {
    all.push({ name: 'utility', run: (guest, args) => utility.run(guest, args) });
  }
  if (isInstalled('gcc')) {
    execFileSync(process.execPath, [join('guests', 'build.mjs'), '--native', folder]);
    all.push(command('native', (guest) => [join(folder, guest)]));
    all.push(command('scalar', (guest) => [join(folder, 'scalar', guest)]));
  } else {
    absent.push('native: gcc is not installed');
  }
  if (isInstalled(QEMU)) {
    all.push(command('qemu', (guest) => [QEMU, guestFile(guest)]));
  } else {
    absent.push(`qemu: ${QEMU} is not installed`);
  }
  const close = (): void => {
    utility?.end();
    rmSync(folder, { recursive: true, force: true });
  };
  return { all, absent, close };
}
