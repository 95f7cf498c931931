import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Engine } from '../engine/engine';
import { regionBlockOf, type EnginePart } from '../engine/engine-part';
import { clearFlags } from '../engine/host';
import { interpreterModule } from '../engine/interpreter-module';
import { HOST_ORIGIN } from '../linux/clock';
import { HART, HOOK_FIRST_WRITE, HOOK_MISSING_PAGE } from '../memory/layout';
import type { AddressSpace } from '../memory/address-space';
import type { Hart } from './hart';
import { PoolControl } from './pool-control';
import type { PoolThreadData } from './pool-thread';
import { takeTranslator } from './spare-translator';
import type { TranslationThreadData } from './translation-thread';

/** How a machine gets threads for its vCPUs. */
export interface PoolOptions {
  /** The built entry that calls `runPoolThread` (emulator/host/pool-thread.ts). */
  readonly entry: string | URL;
  /** Threads beside the home thread. */
  readonly threads: number;
}

/** A thread that translates and ends by a fault of its own is started anew so often. */
const MOST_FAILURES = 2;

/** A pool with a thread for each core but the home thread's; at least one, at most seven. */
export function poolFor(entry: string | URL): PoolOptions {
  return { entry, threads: Math.min(7, Math.max(1, availableParallelism() - 1)) };
}

/**
 * The home thread's side of a machine's pool of hart threads. A hart is either at home, where everything
 * may be done with it, or lent to the pool; it comes home when it needs something or everybody stops.
 */
export class HartPool {
  private readonly control = new PoolControl();
  private readonly lent = new Map<number, Hart>();
  private workers: Worker[] = [];
  private translator: Worker | undefined;
  /** Threads that translated and have ended by a fault of their own. */
  private failures = 0;

  /**
   * @param root the main VM's space
   * @param engine the home thread's: its kind and its store are those of all threads
   * @param report is told of a thread that ended by a fault of its own; the others go on
   * @param counts whether the threads count what they run
   * @param timebase ticks of the `time` CSR in a second
   */
  constructor(
    private readonly options: PoolOptions,
    private readonly root: AddressSpace,
    private readonly engine: Engine,
    private readonly timebase: number,
    private readonly report: (text: string) => void,
    private readonly counts = false,
  ) {
    if (engine.store) engine.store.onWanted = () => this.startTranslator();
    const spare = engine.store && !counts ? takeTranslator(options.entry) : undefined;
    if (spare) this.startTranslator(spare);
  }

  /** Harts that are ready or running in the pool. */
  get active(): number {
    return this.lent.size;
  }

  /** Harts that no thread has taken yet. */
  get ready(): number {
    return this.control.ready;
  }

  /** Whether a thread would take a hart at once, without being woken. */
  get isAttentive(): boolean {
    return this.control.isAttentive;
  }

  isLent(hart: Hart): boolean {
    return this.lent.size > 0 && this.lent.has(hart.index);
  }

  /** All threads stop at these addresses from now on. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.control.setBreakpoints(addresses);
  }

  /** Arena addresses of the region blocks of the pool threads' engines. */
  regionBlocks(): number[] {
    const { arena } = this.root;
    return this.workers.map((_, i) => regionBlockOf(arena, this.partOf(i + 1)));
  }

  /** Starts the threads, unless they are there already. */
  start(): void {
    if (this.workers.length === 0) this.spawn();
  }

  /** Lends a hart whose space has no delta tables at home. */
  offer(hart: Hart): void {
    this.start();
    this.engine.code.isConcurrent = true;
    hart.state.setField(HART.space, hart.space.id);
    hart.state.setLongField(HART.limit, hart.vcpu?.limit ?? 0);
    const { onMissingPage, onFirstWrite } = hart.space.hooks;
    const wanted = (onMissingPage ? HOOK_MISSING_PAGE : 0) | (onFirstWrite ? HOOK_FIRST_WRITE : 0);
    hart.state.setField(HART.hooks, wanted);
    this.lent.set(hart.index, hart);
    this.control.putReady(hart.index);
  }

  /** Gets one sleeping thread to work, when there is work. */
  wake(): void {
    this.control.wakeOne();
  }

  /** Whether a hart has come home. */
  get hasArrivals(): boolean {
    return this.control.done > 0;
  }

  /** A hart that has come home; undefined when there is none. */
  collect(): Hart | undefined {
    return this.home(this.control.takeDone());
  }

  /** A ready hart for the home thread to run itself; undefined when there is none. */
  help(): Hart | undefined {
    return this.home(this.control.takeReady());
  }

  /** Waits a little for a hart to come home, at most so many milliseconds. */
  waitForHart(most?: number): void {
    this.control.awaitDone(most);
  }

  /**
   * Everybody comes home: what the pool threads run stops at its next safepoint.
   * @param settle is given each hart once it is at home
   */
  stopAll(settle: (hart: Hart) => void): void {
    if (this.lent.size === 0) return;
    this.control.stop();
    while (this.lent.size > 0) {
      for (let hart = this.help(); hart; hart = this.help()) settle(hart);
      for (let hart = this.collect(); hart; hart = this.collect()) settle(hart);
      if (this.lent.size > 0) this.control.awaitDone();
    }
    this.control.run();
  }

  /** Ends the threads. Nothing may be lent any more. */
  end(): void {
    this.control.end();
    for (const worker of this.workers) void worker.terminate();
    void this.translator?.terminate();
    this.workers = [];
  }

  private spawn(): void {
    const { threads } = this.options;
    this.startTranslator();
    const { store } = this.engine;
    for (let index = 1; index <= threads; index++) {
      const workerData: PoolThreadData = {
        memory: this.root.arena.memory,
        control: this.control.buffer,
        root: this.root.id,
        part: this.partOf(index),
        timebase: this.timebase,
        ...(store && { regions: store.buffer }),
        timeOrigin: HOST_ORIGIN,
        kind: this.engine.kind,
        interpreter: interpreterModule('plain'),
        ...(this.counts && { counting: interpreterModule('counting') }),
      };
      const worker = this.startWorker(workerData);
      worker.on('error', ({ message }) => this.report(`A thread for vCPUs has ended: ${message}`));
      this.workers.push(worker);
    }
  }

  private partOf(index: number): EnginePart {
    return { index, of: this.root.arena.counts.codeTables, counts: this.counts };
  }

  /**
   * Starts the thread that translates, unless it is there already. Code that counts each hart's thread makes itself.
   * @param worker one that was prepared: what it is asked for before it listens it answers then
   */
  private startTranslator(worker?: Worker): void {
    const { store } = this.engine;
    if (!store || this.translator || this.counts || this.failures >= MOST_FAILURES) return;
    const { requests } = store;
    requests.service = worker ? 'running' : 'starting';
    const data: TranslationThreadData = {
      memory: this.root.arena.memory,
      control: this.control.buffer,
      translations: store.buffer,
      interpreter: interpreterModule('plain'),
    };
    if (worker) worker.postMessage(data);
    const translator = worker ?? this.startWorker(data);
    this.translator = translator;
    translator.on('message', this.report);
    translator.on('error', ({ message }) => {
      this.failures += 1;
      this.translator = undefined;
      // Harts translate themselves until there is another one.
      requests.service = 'none';
      this.report(`The thread that translates has ended: ${message}`);
    });
  }

  private startWorker(workerData: PoolThreadData | TranslationThreadData): Worker {
    clearFlags();
    const worker = new Worker(this.options.entry, { workerData });
    // A program's end ends its threads, not the other way round.
    worker.unref();
    return worker;
  }

  private home(index: number): Hart | undefined {
    if (index < 0) return undefined;
    const hart = this.lent.get(index);
    this.lent.delete(index);
    return hart;
  }
}
