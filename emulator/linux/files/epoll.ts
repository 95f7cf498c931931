import { ERRNO } from '../abi/errno';
import {
  O_RDWR,
  OpenFile,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLRDNORM,
  type FileStatus,
} from './open-file';

/** Events of epoll beyond poll's (include/uapi/linux/eventpoll.h). */
const EPOLLONESHOT = 2 ** 30;
const EPOLLET = 2 ** 31;

interface EpollItem {
  readonly fd: number;
  readonly file: OpenFile;
  events: number;
  data: bigint;
  /** What was told last, for edges. */
  told: number;
  activity: number;
  disarmed: boolean;
}

export interface EpollEvent {
  readonly events: number;
  readonly data: bigint;
}

/** Epoll instances that may watch each other in a chain (EP_MAX_NESTS). */
const MAX_NESTING = 5;

/** A set of files that are waited for (epoll(7)). */
export class EpollFile extends OpenFile {
  private items: EpollItem[] = [];

  constructor() {
    super('anon_inode:[eventpoll]', O_RDWR);
  }

  override status(): FileStatus {
    return { inode: 1, mode: 0o600, size: 0 };
  }

  /** EPOLL_CTL_ADD; answers 0 or a negative errno. */
  add(fd: number, file: OpenFile, events: number, data: bigint): number {
    if (this.find(fd, file) !== undefined) return -ERRNO.EEXIST;
    if (file instanceof EpollFile) {
      if (file === this || file.reaches(this)) return -ERRNO.ELOOP;
      if (file.depth() >= MAX_NESTING) return -ERRNO.ELOOP;
    }
    this.items.push({ fd, file, events, data, told: 0, activity: -1, disarmed: false });
    return 0;
  }

  modify(fd: number, file: OpenFile, events: number, data: bigint): number {
    const item = this.find(fd, file);
    if (item === undefined) return -ERRNO.ENOENT;
    Object.assign(item, { events, data, told: 0, activity: -1, disarmed: false });
    return 0;
  }

  remove(fd: number, file: OpenFile): number {
    const item = this.find(fd, file);
    if (item === undefined) return -ERRNO.ENOENT;
    this.items = this.items.filter((other) => other !== item);
    return 0;
  }

  /** At most `max` events that hold; those told now come last the next time. */
  take(max: number): EpollEvent[] {
    const events: EpollEvent[] = [];
    const told: EpollItem[] = [];
    this.items = this.items.filter(({ file }) => file.isOpen);
    for (const item of this.items) {
      if (events.length === max) break;
      const ready = readyEvents(item);
      if (!isNews(item, ready)) {
        item.told = ready;
        continue;
      }
      item.told = ready;
      item.activity = item.file.activity;
      if (hasFlag(item.events, EPOLLONESHOT)) item.disarmed = true;
      events.push({ events: ready, data: item.data });
      told.push(item);
    }
    this.items = [...this.items.filter((item) => !told.includes(item)), ...told];
    return events;
  }

  override readiness(): number {
    const ready = this.items.some((item) => item.file.isOpen && isNews(item, readyEvents(item)));
    return ready ? POLLIN | POLLRDNORM : 0;
  }

  override readyAt(): number | undefined {
    const times = this.items.flatMap(({ file }) => file.readyAt?.() ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  private find(fd: number, file: OpenFile): EpollItem | undefined {
    return this.items.find((item) => item.fd === fd && item.file === file);
  }

  private reaches(target: EpollFile): boolean {
    return this.items.some(
      ({ file }) => file === target || (file instanceof EpollFile && file.reaches(target)),
    );
  }

  private depth(): number {
    const below = this.items.map(({ file }) => (file instanceof EpollFile ? file.depth() : 0));
    return 1 + Math.max(0, ...below);
  }
}

function hasFlag(events: number, flag: number): boolean {
  return Math.floor(events / flag) % 2 === 1;
}

function readyEvents({ file, events }: EpollItem): number {
  const wanted = (events % 2 ** 28) | POLLERR | POLLHUP;
  return file.readiness() & wanted;
}

/** Whether an event is to be told: with EPOLLET only what has not been told yet. */
function isNews(item: EpollItem, ready: number): boolean {
  if (ready === 0 || item.disarmed) return false;
  if (!hasFlag(item.events, EPOLLET)) return true;
  return item.activity !== item.file.activity || (ready & ~item.told) !== 0;
}
