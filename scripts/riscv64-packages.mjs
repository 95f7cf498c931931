// Fetches a few of Debian's riscv64 programs with their libraries, which the differential tests run here and in QEMU:
//
//   node scripts/riscv64-packages.mjs     prints the folder that holds them, downloading them the first time
//
// The folder can serve as a guest's root: hartscope run --root FOLDER /usr/bin/lua5.4
//
// Uses apt, with lists and a cache of its own: nothing is installed and the system's apt is left alone. Ends with status
// 1 and the reason where that cannot be done (no Debian, no network).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { hasApt } from './setup/apt.mjs';
import { onPath } from './setup/command.mjs';
import { cache } from './setup/places.mjs';

const SUITE = 'trixie';
/** busybox and bash are linked with glibc, mksh with musl and with klibc; musl's libc.so is a program itself. */
const STATIC = ['busybox-static', 'bash-static', 'mksh', 'musl'];
/** Dynamic ones, which come with what they depend on. */
const DYNAMIC = [
  'bash',
  'bc',
  'coreutils',
  'dash',
  'diffutils',
  'findutils',
  'gawk',
  'grep',
  'gzip',
  'jq',
  'less',
  'lua5.4',
  'make',
  'mawk',
  'ncurses-base',
  'perl-base',
  'procps',
  'python3-minimal',
  'sed',
  'sqlite3',
];

/** Another list is another folder. */
const list = createHash('sha256')
  .update([...STATIC, ...DYNAMIC].join(' '))
  .digest('hex');
const folder = join(cache, `riscv64-${SUITE}-root-${list.slice(0, 8)}`);

/** @param {string} reason */
function fail(reason) {
  console.error(reason);
  process.exit(1);
}

/**
 * @param {string} program
 * @param {string[]} words
 * @param {string} [cwd]
 */
function run(program, words, cwd) {
  const { status, stderr, error } = spawnSync(program, words, {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  fail(`${program} ${words.at(-1)} failed: ${reason}`);
}

/** The mirror that this system installs its own packages from. */
function mirror() {
  const places = [
    ['/etc/apt/sources.list.d/debian.sources', /^URIs:\s*(\S+)/m],
    ['/etc/apt/sources.list', /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/m],
  ];
  for (const [path, pattern] of /** @type {[string, RegExp][]} */ (places)) {
    const found = existsSync(path) ? pattern.exec(readFileSync(path, 'utf8')) : null;
    if (found?.[1] !== undefined) return found[1];
  }
  return 'http://deb.debian.org/debian';
}

/** @param {string} target */
function download(target) {
  const state = join(target, 'apt');
  for (const path of ['lists/partial', 'archives/partial']) {
    mkdirSync(join(state, path), { recursive: true });
  }
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const source = `deb [arch=riscv64 signed-by=${key}] ${mirror()} ${SUITE} main\n`;
  writeFileSync(join(state, 'sources.list'), source);
  writeFileSync(join(state, 'status'), '');
  const options = [
    'APT::Architecture=riscv64',
    'APT::Architectures=riscv64',
    `APT::Sandbox::User=${process.getuid?.() === 0 ? 'root' : ''}`,
    `Dir::State=${state}`,
    `Dir::State::status=${join(state, 'status')}`,
    `Dir::State::Lists=${join(state, 'lists')}`,
    `Dir::Cache=${state}`,
    `Dir::Cache::archives=${join(state, 'archives')}`,
    `Dir::Etc::SourceList=${join(state, 'sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    'Acquire::Languages=none',
    'Acquire::Retries=1',
    'Acquire::http::Timeout=20',
    'Debug::NoLocking=1',
    'APT::Install-Recommends=false',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '-qq', 'update']);
  const packages = [...STATIC, ...DYNAMIC];
  run('apt-get', [...options, '-qq', '-y', '--download-only', 'install', ...packages]);
  const root = join(target, 'root');
  // As an installed system has it: the packages themselves have files below /usr only.
  for (const name of ['bin', 'sbin', 'lib']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const archives = join(state, 'archives');
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    const tar = join(target, 'package.tar');
    run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', join(archives, name), tar]);
    // dpkg-deb --extract would put a directory in place of the links.
    run('tar', ['-x', '--keep-directory-symlink', '--no-same-owner', '-C', root, '-f', tar]);
  }
  // What mawk's installation would choose.
  symlinkSync('mawk', join(root, 'usr/bin/awk'));
  rmSync(state, { recursive: true });
}

if (!existsSync(folder)) {
  if (!hasApt || !onPath('dpkg-deb')) fail('apt-get and dpkg-deb are needed, which Debian has');
  // Under another name until it is whole.
  const partial = `${folder}.${process.pid}`;
  process.on('exit', () => rmSync(partial, { recursive: true, force: true }));
  download(partial);
  renameSync(join(partial, 'root'), folder);
}
console.log(folder);
