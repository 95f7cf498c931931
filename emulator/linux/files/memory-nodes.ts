import { ERRNO } from '../abi/errno';
import { Attributes, type MemoryFileSystem } from './attributes';
import { SparseBytes } from './bytes';
import { BytesFile } from './devices';
import {
  DirectoryNode,
  FileNode,
  LinkNode,
  refuse,
  type ProcessView,
  type DirectoryEntry,
  type NewNode,
  type NewTimes,
  type OpenRequest,
} from './node';
import { O_TRUNC, S_IFMT, type FileStatus, type OpenFile } from './open-file';
import { Pipe } from './pipe';
import { RegularFile, type SharedView } from './regular-file';

/** A node whose attributes are in memory. */
export interface MemoryNode extends FileNode {
  readonly attributes: Attributes;
  /** Called when its last name is gone. */
  unlinked?(): void;
}

function isMemoryNode(node: FileNode): node is MemoryNode {
  return 'attributes' in node && node.attributes instanceof Attributes;
}

/** A regular file in memory. */
export class MemoryFile extends FileNode implements MemoryNode {
  readonly kind = 'file';
  readonly attributes: Attributes;
  readonly content: SparseBytes;
  readonly views = new Set<SharedView>();
  private opens = 0;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    permissions: number,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'file', permissions);
    this.content = new SparseBytes(fileSystem.quota);
  }

  status(): FileStatus {
    return this.attributes.status(this.content.size, { blocks: this.content.held / 512 });
  }

  open(request: OpenRequest): OpenFile {
    if (request.flags & O_TRUNC) this.truncate(0);
    this.opens += 1;
    const file = new RegularFile(request.path, request.flags, {
      views: this.views,
      status: () => this.status(),
      size: () => this.content.size,
      readAt: (max, position) => {
        this.attributes.accessed();
        return this.content.read(position, max);
      },
      writeAt: (bytes, position) => {
        const count = this.content.write(position, bytes);
        this.attributes.modified();
        return count;
      },
      truncate: (size) => this.truncate(size),
      punch: (offset, length) => {
        this.content.punch(offset, length);
        this.attributes.modified();
      },
      reserve: (offset, length) => this.content.reserve(offset, length),
      seek: (position, data) => this.content.seek(position, data),
      sync: () => undefined,
      close: () => {
        this.opens -= 1;
        this.unlinked();
      },
    });
    file.node = this;
    return file;
  }

  override truncate(size: number): void {
    this.content.truncate(size);
    this.attributes.modified();
  }

  override setMode(mode: number): void {
    this.attributes.setMode(mode);
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    this.attributes.setOwner(user, group);
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }

  /** The content goes with the last name and the last descriptor. */
  unlinked(): void {
    if (this.attributes.links === 0 && this.opens === 0) this.content.drop();
  }
}

/** A file whose bytes are somebody else's and never change: the program that was started from outside. */
export class FixedFile extends FileNode implements MemoryNode {
  readonly kind = 'file';
  readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly bytes: Uint8Array,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'file', 0o555);
  }

  status(): FileStatus {
    const { length } = this.bytes;
    return this.attributes.status(length, { blocks: Math.ceil(length / 512) });
  }

  open(request: OpenRequest): OpenFile {
    return new BytesFile(request, this, this.bytes);
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }
}

/** A symbolic link in memory. */
export class MemoryLink extends LinkNode implements MemoryNode {
  readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly text: string,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'link', 0o777);
  }

  status(): FileStatus {
    return this.attributes.status(Buffer.byteLength(this.text));
  }

  target(): string {
    return this.text;
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    this.attributes.setOwner(user, group);
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }
}

/** A FIFO, or the name of a socket that nobody can connect to. */
class MemoryFifo extends FileNode implements MemoryNode {
  readonly attributes: Attributes;
  private readonly pipe: Pipe;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    readonly kind: 'fifo' | 'socket',
    permissions: number,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, kind, permissions);
    this.pipe = new Pipe(fileSystem.quota);
  }

  status(): FileStatus {
    return this.attributes.status(0);
  }

  open({ flags, path }: OpenRequest): OpenFile {
    if (this.kind === 'socket') refuse(ERRNO.ENXIO, 'a socket cannot be opened');
    const file = this.pipe.openEnd(path, flags, () => this.status());
    file.node = this;
    return file;
  }

  override setMode(mode: number): void {
    this.attributes.setMode(mode);
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    this.attributes.setOwner(user, group);
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }
}

/** A device: what opens it is given. */
export class DeviceNode extends FileNode implements MemoryNode {
  readonly kind = 'device';
  readonly attributes: Attributes;

  constructor(
    readonly fileSystem: MemoryFileSystem,
    private readonly device: number,
    private readonly opened: (request: OpenRequest, node: DeviceNode) => OpenFile,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'device', 0o666);
  }

  status(): FileStatus {
    return this.attributes.status(0, { device: this.device });
  }

  open(request: OpenRequest): OpenFile {
    const file = this.opened(request, this);
    file.node ??= this;
    return file;
  }

  /** O_TRUNC and truncate leave a device alone. */
  override truncate(): void {
    // Nothing to cut.
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }
}

/** A directory in memory. */
export class MemoryDirectory extends DirectoryNode implements MemoryNode {
  readonly attributes: Attributes;
  private readonly children = new Map<string, FileNode>();

  constructor(
    readonly fileSystem: MemoryFileSystem,
    permissions = 0o755,
  ) {
    super();
    this.attributes = new Attributes(fileSystem, 'directory', permissions);
    this.attributes.links = 2;
  }

  override get removed(): boolean {
    return this.attributes.links === 0;
  }

  status(): FileStatus {
    return this.attributes.status(20 * (this.children.size + 2));
  }

  open(): OpenFile {
    return refuse(ERRNO.EISDIR, 'a directory is opened by the tree');
  }

  override lookup(name: string): FileNode | undefined {
    return this.children.get(name);
  }

  override list(process: ProcessView): DirectoryEntry[] {
    void process;
    return [...this.children].map(([name, node]) => {
      const { inode, mode } = node.status();
      return { name, inode, type: mode & S_IFMT };
    });
  }

  /** Puts a node of any file system under a name, for building a tree. */
  add<T extends FileNode>(name: string, node: T): T {
    this.children.set(name, node);
    if (node instanceof DirectoryNode) {
      node.parent = this;
      node.name = name;
      this.attributes.links += 1;
    }
    this.attributes.modified();
    return node;
  }

  override create(name: string, what: NewNode): FileNode {
    const { fileSystem } = this;
    if (this.removed) refuse(ERRNO.ENOENT, 'the directory has been removed');
    fileSystem.quota.takeFile();
    switch (what.kind) {
      case 'file':
        return this.add(name, new MemoryFile(fileSystem, what.mode));
      case 'directory':
        return this.add(name, new MemoryDirectory(fileSystem, what.mode));
      case 'link':
        return this.add(name, new MemoryLink(fileSystem, what.target));
      case 'fifo':
      case 'socket':
        return this.add(name, new MemoryFifo(fileSystem, what.kind, what.mode));
    }
  }

  override link(name: string, node: FileNode): void {
    if (this.removed) refuse(ERRNO.ENOENT, 'the directory has been removed');
    if (!isMemoryNode(node) || node.kind === 'directory') {
      refuse(ERRNO.EPERM, 'this cannot have another name');
    }
    if (node.attributes.links === 0) this.fileSystem.quota.takeFile();
    node.attributes.links += 1;
    node.attributes.changed();
    this.add(name, node);
  }

  override remove(name: string, node: FileNode): void {
    if (node instanceof MemoryDirectory) {
      if (node.children.size > 0) refuse(ERRNO.ENOTEMPTY, `${name} is not empty`);
      node.attributes.links = 0;
    } else if (isMemoryNode(node)) {
      node.attributes.links -= 1;
      node.attributes.changed();
    }
    this.detach(name, node);
    if (!isMemoryNode(node) || node.attributes.links > 0) return;
    this.fileSystem.quota.giveFile();
    node.unlinked?.();
  }

  override rename(name: string, target: DirectoryNode, newName: string, exchange: boolean): void {
    const node = this.children.get(name);
    if (!(target instanceof MemoryDirectory) || node === undefined) {
      return refuse(ERRNO.EXDEV, 'the directories are of different file systems');
    }
    if (target.removed) refuse(ERRNO.ENOENT, 'the directory has been removed');
    const other = target.children.get(newName);
    if (other === node) return;
    if (exchange && other !== undefined) {
      this.detach(name, node);
      target.detach(newName, other);
      this.add(name, other);
    } else {
      if (other !== undefined) target.remove(newName, other);
      this.detach(name, node);
    }
    target.add(newName, node);
    if (isMemoryNode(node)) node.attributes.changed();
  }

  override setMode(mode: number): void {
    this.attributes.setMode(mode);
  }

  override setOwner(user: number | undefined, group: number | undefined): void {
    this.attributes.setOwner(user, group);
  }

  override setTimes(times: NewTimes): void {
    this.attributes.setTimes(times);
  }

  private detach(name: string, node: FileNode): void {
    this.children.delete(name);
    if (node instanceof DirectoryNode) this.attributes.links -= 1;
    this.attributes.modified();
  }
}
