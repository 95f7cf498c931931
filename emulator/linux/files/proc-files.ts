import type { ProcessView } from './node';
import type { SystemView } from './proc';

/** A file of /proc/PID. */
export interface ProcessFile {
  readonly text: () => string | Uint8Array;
  readonly permissions: number;
}

const PAGE_KILOBYTES = 4;
const TICK = 10_000_000n;

const signalMask = (signals: bigint): string => signals.toString(16).padStart(16, '0');

const STATE_NAMES = { R: 'running', S: 'sleeping', T: 'stopped', Z: 'zombie' } as const;
/** Device number of the terminal: major 136, minor 0. */
const TERMINAL_DEVICE = 136 << 8;

/** /proc/PID/status. */
function status(process: ProcessView): string {
  const { total, resident } = process.memorySize();
  const { pending, blocked, ignored, caught } = process.signalSets();
  const kilobytes = (pages: number): string => `${String(pages * PAGE_KILOBYTES).padStart(8)} kB`;
  const four = (id: number): string => [id, id, id, id].join('\t');
  const rows: readonly (readonly [string, string | number])[] = [
    ['Name', process.name],
    ['Umask', '0022'],
    ['State', `${process.runState} (${STATE_NAMES[process.runState]})`],
    ['Tgid', process.pid],
    ['Ngid', 0],
    ['Pid', process.pid],
    ['PPid', process.parentPid],
    ['TracerPid', 0],
    ['Uid', four(process.user)],
    ['Gid', four(process.group)],
    ['FDSize', 64],
    ['Groups', `${process.group} `],
    ['VmPeak', kilobytes(total)],
    ['VmSize', kilobytes(total)],
    ['VmHWM', kilobytes(resident)],
    ['VmRSS', kilobytes(resident)],
    ['Threads', process.threads().length],
    ['SigQ', '0/4096'],
    ['SigPnd', signalMask(0n)],
    ['ShdPnd', signalMask(pending)],
    ['SigBlk', signalMask(blocked)],
    ['SigIgn', signalMask(ignored)],
    ['SigCgt', signalMask(caught)],
    ['CapInh', signalMask(0n)],
    ['CapPrm', signalMask(0n)],
    ['CapEff', signalMask(0n)],
    ['NoNewPrivs', 0],
    ['Seccomp', 0],
  ];
  return rows.map(([name, value]) => `${name}:\t${value}\n`).join('');
}

/** /proc/PID/stat: the 52 fields of proc(5), of which most are 0 here. */
function stat(process: ProcessView): string {
  const { total, resident } = process.memorySize();
  const { pid, parentPid, name } = process;
  const fields: (number | bigint)[] = new Array<number>(49).fill(0);
  fields[0] = parentPid;
  fields[1] = process.processGroup;
  fields[2] = process.session;
  fields[3] = process.terminal ? TERMINAL_DEVICE : 0;
  fields[4] = process.terminal?.foreground ?? -1;
  fields[10] = process.processorTime / TICK; // utime
  fields[16] = process.threads().length;
  fields[18] = process.startTime() / TICK;
  fields[19] = total * PAGE_KILOBYTES * 1024;
  fields[20] = resident;
  fields[21] = 2n ** 64n - 1n; // rsslim
  return `${pid} (${name}) ${process.runState} ${fields.join(' ')}\n`;
}

/** The text files of /proc/PID by name. */
export function processFiles(
  process: ProcessView,
  system: SystemView,
): Record<string, ProcessFile> {
  const file = (text: ProcessFile['text'], permissions = 0o444): ProcessFile => ({
    text,
    permissions,
  });
  return {
    cmdline: file(() => process.commandLine()),
    comm: file(() => `${process.name}\n`),
    environ: file(() => process.environment(), 0o400),
    auxv: file(() => process.auxiliaryVector(), 0o400),
    maps: file(() => process.memoryMap()),
    stat: file(() => stat(process)),
    statm: file(() => {
      const { total, resident } = process.memorySize();
      return `${total} ${resident} 0 0 0 ${total} 0\n`;
    }),
    status: file(() => status(process)),
    mounts: file(() => system.mounts()),
    mountinfo: file(() =>
      system
        .mounts()
        .split('\n')
        .filter((line) => line !== '')
        .map((line, index) => {
          const [source, path, type, options] = line.split(' ');
          return `${index + 1} ${index === 0 ? 0 : 1} 0:${index + 1} / ${path} ${options} - ${type} ${source} ${options}\n`;
        })
        .join(''),
    ),
    cgroup: file(() => '0::/\n'),
    oom_score_adj: file(() => '0\n'),
    personality: file(() => '00000000\n', 0o400),
    wchan: file(() => '0'),
    loginuid: file(() => '4294967295'),
  };
}
