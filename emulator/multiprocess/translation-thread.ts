import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { parentPort, type MessagePort } from 'node:worker_threads';
import { compileModule } from '../engine/host';
import { instantiateInterpreter, shareInterpreter } from '../engine/interpreter-module';
import { FLOAT_MODES, type FloatMode } from '../engine/translator/float-mode';
import { practise } from '../engine/translator/practice';
import { recordAt } from '../engine/record-pool';
import { regionName } from '../engine/translator/region-module';
import type { RegionFunction } from '../engine/translator/code-cache';
import type { RegionSource } from '../engine/translator/region';
import type { TranslationRequest } from '../engine/translator/requests';
import { RegionStore, type StoredModule } from '../engine/translator/region-store';
import { LEAST_CUT, translateUnit } from '../engine/translator/unit';
import { AddressSpace } from '../memory/address-space';
import { Arena } from '../memory/arena';
import { ADDRESS_LIMIT, PAGE_SIZE } from '../memory/layout';
import { PoolControl } from './pool-control';

/** What the thread that translates is started with. */
export interface TranslationThreadData {
  readonly memory: WebAssembly.Memory;
  /** The machine's `PoolControl`: where the breakpoints are. */
  readonly control: SharedArrayBuffer;
  /** The machine's `RegionStore`: what is asked for, and where what was made goes. */
  readonly translations: SharedArrayBuffer;
  /** The interpreter that the home thread has compiled. */
  readonly interpreter: WebAssembly.Module;
}

/** Modules that are kept until the threads that asked for them have taken them, so that V8 knows them by then. */
const KEPT = 64;
const MOST_KNOWN = 16384;
/** Requests between turns of the event loop, in which V8 gives back the memory of modules that nobody has any more. */
const TURN_AFTER = 256;
/** The most pages of 64 KiB that a 32-bit memory can have. */
const MAX_MEMORY_PAGES = 65536;

/**
 * A thread that was started before there is a machine for it: it gets to know its work and waits to be told
 * (spare-translator.ts).
 */
export async function runSpareTranslator(port: MessagePort): Promise<never> {
  const told = once(port, 'message') as Promise<[TranslationThreadData]>;
  for (const { module } of practise()) compileUnused(module);
  const [data] = await told;
  return runTranslationThread(data);
}

/** Translates what the threads of a machine ask for, until it is ended from outside. */
export async function runTranslationThread(data: TranslationThreadData): Promise<never> {
  shareInterpreter(data.interpreter, 'plain');
  const thread = new TranslationThread(data, (text) => parentPort?.postMessage(text));
  try {
    for (;;) {
      for (let n = 0; n < TURN_AFTER; n++) thread.translateNext();
      await setImmediate();
    }
  } finally {
    thread.end();
  }
}

/** Has the host compile a module that is of no use: it gets to know how. */
function compileUnused({ bytes, entries }: StoredModule): void {
  const module = compileModule(bytes);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_MEMORY_PAGES, shared: true });
  const functions = WebAssembly.Module.imports(module).map(({ name }) => [name, () => 0] as const);
  callAll(module, { ...Object.fromEntries<WebAssembly.ImportValue>(functions), memory }, entries);
}

/** Makes an instance and calls each region of it, which without fuel does nothing else. */
function callAll(
  module: WebAssembly.Module,
  env: Record<string, WebAssembly.ImportValue>,
  entries: readonly number[],
): WebAssembly.Instance {
  const instance = new WebAssembly.Instance(module, { env });
  for (const pc of entries) (instance.exports[regionName(pc)] as RegionFunction)(0, 0, 0);
  return instance;
}

const keyOf = (pc: number, mode: FloatMode): number =>
  pc * FLOAT_MODES.length + FLOAT_MODES.indexOf(mode);

/** Answers what a machine's threads ask to have translated. */
export class TranslationThread {
  private readonly arena: Arena;
  private readonly store: RegionStore;
  private readonly control: PoolControl;
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private readonly kept: WebAssembly.Instance[] = [];
  /** Where regions begin that were made already: others call them there. Who has given one up asks for it again. */
  private readonly known = new Set<number>();
  /** The first one takes long, because the host has not compiled the translator yet. */
  private isWarm = false;
  /** Where translating has failed. */
  private readonly failed = new Set<number>();

  /** @param report is told of code that cannot be translated */
  constructor(
    { memory, control, translations }: TranslationThreadData,
    private readonly report: (text: string) => void,
  ) {
    this.arena = Arena.attach(memory);
    this.store = new RegionStore(translations);
    this.control = new PoolControl(control);
    // Regions are tried in a memory of their own, where there is nothing.
    const scratch = new WebAssembly.Memory({ initial: 1, maximum: MAX_MEMORY_PAGES, shared: true });
    this.imports = {
      ...(instantiateInterpreter(scratch) as unknown as Record<string, WebAssembly.ImportValue>),
      memory: scratch,
    };
  }

  /** Everybody translates for himself again. */
  end(): void {
    this.store.requests.service = 'none';
  }

  /** Answers one request. */
  translateNext(): void {
    const { requests } = this.store;
    const request = requests.take();
    const start = performance.now();
    const instructions = this.tryTo(request);
    if (this.isWarm) requests.budget.spent(performance.now() - start, instructions);
    else if (instructions > 0) {
      this.isWarm = true;
      requests.service = 'running';
    }
  }

  /** What goes wrong with one piece of code leaves that in the interpreter, and the thread goes on. */
  private tryTo(request: TranslationRequest): number {
    const key = keyOf(request.pc, request.mode);
    if (this.failed.has(key)) return 0;
    try {
      return this.translate(request);
    } catch (error) {
      if (this.failed.size > MOST_KNOWN) this.failed.clear();
      this.failed.add(key);
      const reason = error instanceof Error ? error.message : String(error);
      this.report(`The code at 0x${request.pc.toString(16)} stays interpreted: ${reason}`);
      return 0;
    }
  }

  /** @returns how many guest instructions were translated */
  private translate({ space, pc, mode, limit, table, targets }: TranslationRequest): number {
    const source = this.sourceOf(space, table);
    const isKnown = (target: number): boolean => this.known.has(keyOf(target, mode));
    const options = {
      limit,
      leastCut: LEAST_CUT,
      mode,
      withCallees: true,
      onlyReached: true,
      isKnown,
      targets,
    };
    const unit = source && translateUnit(source, pc, options);
    if (!unit) return 0;
    const { module } = unit;
    if (this.known.size > MOST_KNOWN) this.known.clear();
    for (const entry of module.entries) this.known.add(keyOf(entry, mode));
    this.compile(module.bytes, module.entries);
    this.store.add(module);
    return module.instructions;
  }

  /** Has V8 compile a module, for all threads: each function when it is called first. */
  private compile(bytes: Uint8Array<ArrayBuffer>, entries: readonly number[]): void {
    this.kept.push(callAll(compileModule(bytes), this.imports, entries));
    if (this.kept.length > KEPT) this.kept.shift();
  }

  /**
   * The code of a space as it is just now; undefined when the space has ended.
   * @param table arena address of the code table of an engine that runs it
   */
  private sourceOf(id: number, table: number): RegionSource | undefined {
    const { arena } = this;
    if (arena.spaces.find(id) === 0) return undefined;
    const space = AddressSpace.attach(arena, id);
    const pages = new Map<number, number>();
    const breakpoints = new Set(this.control.breakpoints());
    return {
      fetch(address) {
        if (address >= ADDRESS_LIMIT) return undefined;
        const page = Math.floor(address / PAGE_SIZE);
        let at = pages.get(page);
        if (at === undefined) pages.set(page, (at = (space.codePage(page) & -PAGE_SIZE) >>> 0));
        return at === 0 ? undefined : arena.view.getUint16(at + (address % PAGE_SIZE), true);
      },
      isBreakpoint: (address) => breakpoints.has(address),
      isReached: (address) => recordAt(arena.u32, table, address) !== 0,
      data: (address) => space.dataAt(address),
    };
  }
}
