import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileTree, type FolderGrant } from '../../../emulator/linux/files/tree';
import { DATA, TestProcess } from './process';

export const AT_FDCWD = -100;
export const SECRET = 'SECRET: nobody inside may read this';

/**
 * Folders of the host for a test:
 *
 *     outside/secret.txt, outside/dir/     not granted
 *     granted/file.txt, granted/sub/…      /granted, read and write
 *     granted/{absolute,up,chain,…}        links that lead out
 *     readonly/file.txt                    /readonly, for reading
 */
export class HostFolders {
  readonly base = realpathSync(mkdtempSync(join(tmpdir(), 'hartscope-')));
  readonly secret = join(this.base, 'outside', 'secret.txt');
  private readonly trees: FileTree[] = [];

  constructor() {
    for (const folder of ['outside/dir', 'granted/sub/deep', 'readonly/sub']) {
      mkdirSync(join(this.base, folder), { recursive: true });
    }
    writeFileSync(this.secret, SECRET);
    for (const path of ['granted/file.txt', 'granted/sub/inner.txt', 'readonly/file.txt']) {
      writeFileSync(join(this.base, path), 'inside');
    }
    const links: Record<string, string> = {
      absolute: this.secret,
      up: '../outside/secret.txt',
      chain: 'up',
      loop: 'loop',
      directory: '../outside',
      root: '/',
      'sub/up': '../../outside/secret.txt',
      process: '/proc/self/root/../../outside/secret.txt',
      dangling: '../outside/new.txt',
    };
    for (const [name, target] of Object.entries(links)) {
      symlinkSync(target, join(this.base, 'granted', name));
    }
    symlinkSync('../outside/secret.txt', join(this.base, 'readonly', 'up'));
    spawnSync('sh', ['-c', 'mkfifo "$0"', join(this.base, 'granted', 'fifo')]);
    chmodSync(join(this.base, 'granted', 'file.txt'), 0o644);
  }

  get grants(): readonly FolderGrant[] {
    return [
      { hostPath: join(this.base, 'granted'), guestPath: '/granted', writable: true },
      { hostPath: join(this.base, 'readonly'), guestPath: '/readonly', writable: false },
    ];
  }

  /** A process that has the two folders, or others. */
  process(grants = this.grants): TestProcess {
    const files = new FileTree({ grants });
    this.trees.push(files);
    return new TestProcess({ files });
  }

  at(path: string): string {
    return join(this.base, path);
  }

  /** What lies outside, to see that it is as it was. */
  outside(): object {
    const folder = join(this.base, 'outside');
    const { mode, size, mtimeMs, nlink } = statSync(this.secret);
    return {
      names: readdirSync(folder, { recursive: true }).sort(),
      text: readFileSync(this.secret, 'utf8'),
      status: { mode, size, mtimeMs, nlink },
      above: readdirSync(this.base).sort(),
    };
  }

  /** The same for the folder that is granted for reading. */
  readonly(): object {
    const { mode, size, mtimeMs, nlink } = statSync(this.at('readonly/file.txt'));
    const names = readdirSync(this.at('readonly'), { recursive: true }).sort();
    return { names, mode, size, mtimeMs, nlink };
  }

  hardLink(from: string, to: string): void {
    linkSync(this.at(from), this.at(to));
  }

  dispose(): void {
    for (const tree of this.trees) tree.dispose();
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** Opens a path; the descriptor or a negative errno. */
export function open(process: TestProcess, path: string, flags = 0, from = AT_FDCWD): number {
  return process.call('openat', from, process.text(path), flags, 0o644);
}

/** All that can be read of a path; empty when it cannot be opened. */
export function contentOf(process: TestProcess, path: string, from = AT_FDCWD): string {
  const fd = open(process, path, 0, from);
  if (fd < 0) return '';
  const count = process.call('read', fd, DATA + 0x4000, 1000);
  process.call('close', fd);
  return count > 0 ? Buffer.from(process.bytes(DATA + 0x4000, count)).toString() : '';
}
