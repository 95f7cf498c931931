import { ERRNO } from '../abi/errno';
import { encodeText } from '../guest-memory';
import { UTSNAME } from '../identity';
import { BytesFile } from './devices';
import { Attributes, type MemoryFileSystem } from './attributes';
import {
  DirectoryNode,
  directoryPath,
  FileNode,
  LinkNode,
  refuse,
  type DirectoryEntry,
  type OpenRequest,
  type Place,
  type ProcessView,
} from './node';
import { S_IFMT, type FileStatus, type OpenFile } from './open-file';
import { processFiles, type ProcessFile } from './proc-files';

const NANOSECONDS = 1_000_000_000n;

/** What /proc shows of the machine. */
export interface SystemView {
  /** Bytes: the guest's memory, and what is free of it. */
  memory(): { total: number; free: number };
  readonly processors: number;
  /** Processes that live, by their number. */
  process(pid: number): ProcessView | undefined;
  processes(): readonly ProcessView[];
  /** Lines of /proc/mounts. */
  mounts(): string;
  readonly hostName: string;
}

type Text = (process: ProcessView) => string | Uint8Array;

/** A file of /proc: its text is made when it is opened, its size is 0. */
class ProcFile extends FileNode {
  readonly kind = 'file';
  private readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly text: Text,
    permissions = 0o444,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'file', permissions);
  }

  status(): FileStatus {
    return this.attributes.status(0);
  }

  open(request: OpenRequest): OpenFile {
    const text = this.text(request.process);
    return new BytesFile(request, this, typeof text === 'string' ? encodeText(text) : text);
  }
}

class ProcLink extends LinkNode {
  private readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly text: (process: ProcessView) => string,
    override readonly jump?: (process: ProcessView) => Place,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'link', 0o777);
  }

  status(): FileStatus {
    return this.attributes.status(0);
  }

  target(process: ProcessView): string {
    return this.text(process);
  }
}

/** A directory of /proc: what is in it depends on who looks. */
class ProcDirectory extends DirectoryNode {
  private readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly find: (name: string, process: ProcessView) => FileNode | undefined,
    private readonly names: (process: ProcessView) => readonly string[],
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'directory', 0o555);
    this.attributes.links = 2;
  }

  status(): FileStatus {
    return this.attributes.status(0);
  }

  open(): OpenFile {
    return refuse(ERRNO.EISDIR, 'a directory is opened by the tree');
  }

  override lookup(name: string, process: ProcessView): FileNode | undefined {
    const node = this.find(name, process);
    if (node instanceof DirectoryNode) {
      node.parent = this;
      node.name = name;
    }
    return node;
  }

  override list(process: ProcessView): DirectoryEntry[] {
    return this.names(process).flatMap((name) => {
      const node = this.lookup(name, process);
      if (node === undefined) return [];
      const { inode, mode } = node.status();
      return [{ name, inode, type: mode & S_IFMT }];
    });
  }
}

/** A file that has no node of its own (a pipe, a stream): opening it again gives the same description. */
class OpenedNode extends FileNode {
  readonly kind = 'device';

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly file: OpenFile,
  ) {
    super();
  }

  status(): FileStatus {
    return this.file.status();
  }

  open(): OpenFile {
    return this.file;
  }

  override truncate(): void {
    // Pipes and terminals have no length.
  }
}

/** Builds /proc. */
export class ProcTree {
  readonly root: DirectoryNode;
  private readonly known = new Map<string, FileNode>();

  constructor(
    private readonly fileSystem: MemoryFileSystem,
    private readonly system: SystemView,
  ) {
    const fixed: Record<string, FileNode> = {
      self: new ProcLink(fileSystem, ({ pid }) => String(pid)),
      'thread-self': new ProcLink(fileSystem, ({ pid }) => `${pid}/task/${pid}`),
      mounts: new ProcLink(fileSystem, () => 'self/mounts'),
      sys: this.sys(),
    };
    for (const [name, text] of Object.entries(this.systemFiles())) {
      fixed[name] = new ProcFile(fileSystem, text);
    }
    this.root = new ProcDirectory(
      fileSystem,
      (name) => {
        if (Object.hasOwn(fixed, name)) return fixed[name];
        const process = /^[1-9]\d*$/.test(name) ? system.process(Number(name)) : undefined;
        return process && this.processDirectory(process);
      },
      () => [...system.processes().map(({ pid }) => String(pid)), ...Object.keys(fixed)],
    );
  }

  private systemFiles(): Record<string, Text> {
    const { system } = this;
    const kilobytes = (bytes: number): string => `${Math.floor(bytes / 1024)} kB`.padStart(14);
    return {
      cpuinfo: () => {
        const hart = (index: number): string =>
          `processor\t: ${index}\nhart\t\t: ${index}\nisa\t\t: ${ISA}\nmmu\t\t: sv39\n\n`;
        return Array.from({ length: system.processors }, (_, i) => hart(i)).join('');
      },
      meminfo: () => {
        const { total, free } = system.memory();
        const rows = { MemTotal: total, MemFree: free, MemAvailable: free, Buffers: 0, Cached: 0 };
        const swap = { SwapTotal: 0, SwapFree: 0 };
        return Object.entries({ ...rows, ...swap })
          .map(([name, bytes]) => `${`${name}:`.padEnd(12)}${kilobytes(bytes)}\n`)
          .join('');
      },
      uptime: (process) => {
        const seconds = (process.uptime() / 10_000_000n).toString().padStart(3, '0');
        const text = `${seconds.slice(0, -2)}.${seconds.slice(-2)}`;
        return `${text} ${text}\n`;
      },
      loadavg: (process) => `0.00 0.00 0.00 1/${system.processes().length} ${process.pid}\n`,
      version: () => `${UTSNAME[0]} version ${UTSNAME[2]} (hartscope) ${UTSNAME[3]}\n`,
      filesystems: () => 'nodev\tproc\nnodev\ttmpfs\n',
      stat: (process) =>
        `cpu  0 0 0 0 0 0 0 0 0 0\nbtime ${this.fileSystem.now() / NANOSECONDS - process.uptime() / NANOSECONDS}\n` +
        `processes ${system.processes().length}\n`,
    };
  }

  private sys(): DirectoryNode {
    const text = (value: string): FileNode => new ProcFile(this.fileSystem, () => `${value}\n`);
    const directory = (nodes: Record<string, FileNode>): DirectoryNode =>
      new ProcDirectory(
        this.fileSystem,
        (name) => (Object.hasOwn(nodes, name) ? nodes[name] : undefined),
        () => Object.keys(nodes),
      );
    const [system, , release, version] = UTSNAME;
    return directory({
      kernel: directory({
        osrelease: text(release),
        ostype: text(system),
        version: text(version),
        hostname: text(this.system.hostName),
        domainname: text('(none)'),
        pid_max: text('32768'),
        ngroups_max: text('65536'),
        cap_last_cap: text('40'),
        random: directory({
          uuid: new ProcFile(this.fileSystem, randomUuid),
          boot_id: text('6f3c1a1e-5a0e-4c8e-9a53-0d5c7f6f2b11'),
        }),
      }),
      vm: directory({ overcommit_memory: text('1'), max_map_count: text('65530') }),
      fs: directory({ 'pipe-max-size': text('65536'), 'file-max': text('1048576') }),
    });
  }

  private processDirectory(process: ProcessView): DirectoryNode {
    return this.keep(`${process.pid}`, () => {
      const files = processFiles(process, this.system);
      const nodes = new Map<string, FileNode>();
      for (const [name, file] of Object.entries(files)) nodes.set(name, this.processFile(file));
      nodes.set('exe', this.executableLink(process));
      nodes.set(
        'cwd',
        this.directoryLink(() => process.workingDirectory()),
      );
      nodes.set(
        'root',
        this.directoryLink(() => topOf(process.workingDirectory())),
      );
      nodes.set(
        'fd',
        this.descriptors(process, (fd) => this.descriptorLink(process, fd)),
      );
      nodes.set(
        'fdinfo',
        this.descriptors(process, (fd) => this.descriptorInfo(process, fd)),
      );
      nodes.set('task', this.tasks(process));
      return new ProcDirectory(
        this.fileSystem,
        (name) => nodes.get(name),
        () => [...nodes.keys()],
      );
    });
  }

  private tasks(process: ProcessView): DirectoryNode {
    return new ProcDirectory(
      this.fileSystem,
      (name) => {
        const thread = process.threads().find(({ tid }) => String(tid) === name);
        return thread && this.taskDirectory(process, thread);
      },
      () => process.threads().map(({ tid }) => String(tid)),
    );
  }

  private taskDirectory(
    process: ProcessView,
    { tid, name }: { readonly tid: number; readonly name: string },
  ): DirectoryNode {
    return this.keep(`${process.pid}/task/${tid}`, () => {
      const { stat, status } = processFiles(process, this.system);
      const comm = { text: () => `${name}\n`, permissions: 0o444 };
      const nodes = new Map<string, FileNode>(
        Object.entries({ comm, stat, status }).map(([file, content]) => [
          file,
          this.processFile(content),
        ]),
      );
      return new ProcDirectory(
        this.fileSystem,
        (file) => nodes.get(file),
        () => [...nodes.keys()],
      );
    });
  }

  private processFile({ text, permissions }: ProcessFile): FileNode {
    return new ProcFile(this.fileSystem, text, permissions);
  }

  private executableLink(process: ProcessView): FileNode {
    return new ProcLink(
      this.fileSystem,
      () => process.executablePath(),
      () => {
        const node = process.executable() ?? refuse(ERRNO.ENOENT, 'there is no program');
        const path = process.executablePath();
        return { directory: this.root, name: path.slice(path.lastIndexOf('/') + 1), node };
      },
    );
  }

  private directoryLink(directory: () => DirectoryNode): FileNode {
    return new ProcLink(
      this.fileSystem,
      () => directoryPath(directory()),
      () => ({ directory: directory(), name: '', node: directory() }),
    );
  }

  private descriptors(process: ProcessView, make: (fd: number) => FileNode): DirectoryNode {
    return new ProcDirectory(
      this.fileSystem,
      (name) => {
        const fd = /^(0|[1-9]\d{0,9})$/.test(name) ? Number(name) : -1;
        return process.descriptors.has(fd) ? make(fd) : undefined;
      },
      () => process.descriptors.numbers().map(String),
    );
  }

  private descriptorLink(process: ProcessView, fd: number): FileNode {
    return this.keep(`${process.pid}/fd/${fd}`, () => {
      const file = (): OpenFile => process.descriptors.file(fd);
      return new ProcLink(
        this.fileSystem,
        () => file().path,
        () => {
          const node = file().node ?? new OpenedNode(this.fileSystem, file());
          const { path } = file();
          if (node instanceof DirectoryNode) return { directory: node, name: '', node };
          return { directory: this.root, name: path.slice(path.lastIndexOf('/') + 1), node };
        },
      );
    });
  }

  private descriptorInfo(process: ProcessView, fd: number): FileNode {
    return this.keep(`${process.pid}/fdinfo/${fd}`, () =>
      this.processFile({
        permissions: 0o444,
        text: () => {
          const { position, flags } = process.descriptors.file(fd);
          return `pos:\t${position}\nflags:\t0${flags.toString(8)}\nmnt_id:\t1\nino:\t${process.descriptors.file(fd).status().inode}\n`;
        },
      }),
    );
  }

  private keep<T extends FileNode>(key: string, make: () => T): T {
    const known = this.known.get(key) as T | undefined;
    if (known !== undefined) return known;
    const node = make();
    this.known.set(key, node);
    return node;
  }

  /** Forgets what was kept of a process that has ended. */
  forget(pid: number): void {
    for (const key of this.known.keys()) {
      if (key === String(pid) || key.startsWith(`${pid}/`)) this.known.delete(key);
    }
  }
}

const ISA = 'rv64imafdc_zicntr_zicsr_zifencei_zba_zbb_zbc_zbs';

function topOf(directory: DirectoryNode): DirectoryNode {
  let at = directory;
  while (at.parent !== undefined && at.parent !== at) at = at.parent;
  return at;
}

function randomUuid(process: ProcessView): string {
  const bytes = new Uint8Array(16);
  process.fillRandom(bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join('-')}-${hex.slice(20)}\n`;
}
