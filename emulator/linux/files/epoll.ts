import { ERRNO } from '../abi/errno';
import type { MemoryQuota } from './bytes';
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

/** What a watched file takes of the quota. */
const ITEM_BYTES = 256;
/** Epoll instances that may watch each other in a chain (EP_MAX_NESTS). */
const MAX_NESTING = 5;

/** Answers of instances while one of them is asked. */
let asked: Map<EpollFile, number> | undefined;

/** A set of files that are waited for (epoll(7)). */
export class EpollFile extends OpenFile {
  private items: EpollItem[] = [];

  constructor(private readonly quota: MemoryQuota) {
    super('anon_inode:[eventpoll]', O_RDWR);
  }

  override status(): FileStatus {
    return { inode: 1, mode: 0o600, size: 0 };
  }

  override seek(): number {
    return 0;
  }

  /** EPOLL_CTL_ADD; answers 0 or a negative errno. */
  add(fd: number, file: OpenFile, events: number, data: bigint): number {
    if (this.find(fd, file) !== undefined) return -ERRNO.EEXIST;
    this.keep(({ file: watched }) => watched.isOpen);
    if (this.quota.freeBytes < ITEM_BYTES) return -ERRNO.ENOSPC;
    if (file instanceof EpollFile) {
      if (file.below().has(this)) return -ERRNO.ELOOP;
      if (file.depth() >= MAX_NESTING) return -ERRNO.ELOOP;
    }
    this.quota.charge(ITEM_BYTES);
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
    this.keep((other) => other !== item);
    return 0;
  }

  /** At most `max` events that hold; those told now come last the next time. */
  take(max: number): EpollEvent[] {
    const events: EpollEvent[] = [];
    const told: EpollItem[] = [];
    this.keep(({ file }) => file.isOpen);
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

  /** Each instance is asked once, however many watch it: else a few that watch each other would take for ever. */
  override readiness(): number {
    const outermost = asked === undefined;
    const answers = (asked ??= new Map<EpollFile, number>());
    const known = answers.get(this);
    if (known !== undefined) return known;
    try {
      const ready = this.items.some((item) => item.file.isOpen && isNews(item, readyEvents(item)));
      const answer = ready ? POLLIN | POLLRDNORM : 0;
      answers.set(this, answer);
      return answer;
    } finally {
      if (outermost) asked = undefined;
    }
  }

  override readyAt(): number | undefined {
    const files = [...this.below()].flatMap(({ items }) => items.map(({ file }) => file));
    const times = files.flatMap((file) =>
      file instanceof EpollFile ? [] : (file.readyAt?.() ?? []),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  override close(): void {
    this.keep(() => false);
  }

  private keep(wanted: (item: EpollItem) => boolean): void {
    const before = this.items.length;
    this.items = this.items.filter(wanted);
    this.quota.giveBytes((before - this.items.length) * ITEM_BYTES);
  }

  private find(fd: number, file: OpenFile): EpollItem | undefined {
    return this.items.find((item) => item.fd === fd && item.file === file);
  }

  /** This instance and all that it watches, directly or through others. */
  private below(): ReadonlySet<EpollFile> {
    const found = new Set<EpollFile>([this]);
    // A set gives what is added while it is gone through, too.
    for (const { items } of found) {
      for (const { file } of items) if (file instanceof EpollFile) found.add(file);
    }
    return found;
  }

  /** How many levels of instances there are below this one, up to the most that are allowed. */
  private depth(): number {
    let level: ReadonlySet<EpollFile> = new Set([this]);
    for (let depth = 1; depth <= MAX_NESTING; depth++) {
      const next = new Set<EpollFile>();
      for (const { items } of level) {
        for (const { file } of items) if (file instanceof EpollFile) next.add(file);
      }
      if (next.size === 0) return depth;
      level = next;
    }
    return MAX_NESTING;
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
