import { acquire, release } from '../../memory/lock';
import { BUDGET_WORDS, TranslationBudget } from './budget';
import { FLOAT_MODES, type FloatMode } from './float-mode';

/** What a thread wants to have translated. */
export interface TranslationRequest {
  /** Id of the address space whose code it is. */
  readonly space: number;
  /** Where a region is to begin. */
  readonly pc: number;
  readonly mode: FloatMode;
  /** The most instructions that pay. */
  readonly limit: number;
  /** Where indirect jumps lead to that the region is to have a switch for, at most `MOST_TARGETS`; none: it has none. */
  readonly targets?: readonly number[];
  /** Arena address of the code table of who asks, which tells what control has been at. */
  readonly table: number;
}

/**
 * What the threads of a machine want to have translated next, for the one that translates. Words (i32):
 *
 * | word | field |
 * |------|-------|
 * | 0    | lock |
 * | 1    | requests put so far, mod 2^32; who translates sleeps on it |
 * | 2    | requests taken so far |
 * | 3    | 0 = nobody translates, 1 = somebody will when he has started, 2 = he has |
 * | 4, 5 | the budget (budget.ts) |
 * | 6    | the request: space, pc, mode, limit, code table, number of targets, 48 targets |
 */
const LOCK = 0;
const PUT = 1;
const TAKEN = 2;
const SERVICE = 3;
const BUDGET = 4;
const REQUEST = BUDGET + BUDGET_WORDS;
const TARGETS = 6;
const MOST_TARGETS = 48;
const REQUEST_WORDS = TARGETS + MOST_TARGETS;

const SERVICES = ['none', 'starting', 'running'] as const;
/** Whether a thread translates what is asked for. */
export type TranslationService = (typeof SERVICES)[number];

/** Bytes that the requests take. */
export const REQUEST_BYTES = 4 * (REQUEST + REQUEST_WORDS);

export class TranslationRequests {
  readonly budget: TranslationBudget;
  private readonly words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, REQUEST_BYTES / 4);
    this.budget = new TranslationBudget(this.words.subarray(BUDGET, REQUEST));
  }

  get service(): TranslationService {
    return SERVICES[Atomics.load(this.words, SERVICE)];
  }

  set service(service: TranslationService) {
    Atomics.store(this.words, SERVICE, SERVICES.indexOf(service));
  }

  /** Asks for a translation. False while another one waits: what is asked for later may be hotter. */
  put({ space, pc, mode, limit, table, targets = [] }: TranslationRequest): boolean {
    const { words } = this;
    acquire(words, LOCK);
    const count = words[PUT];
    const hasRoom = count === Atomics.load(words, TAKEN);
    if (hasRoom) {
      const list = targets.slice(0, MOST_TARGETS);
      words.set(
        [space, pc, FLOAT_MODES.indexOf(mode), limit, table, list.length, ...list],
        REQUEST,
      );
      Atomics.store(words, PUT, count + 1);
    }
    release(words, LOCK);
    if (hasRoom) Atomics.notify(words, PUT, 1);
    return hasRoom;
  }

  /** The next request. This thread waits for it. */
  take(): TranslationRequest {
    const { words } = this;
    const taken = words[TAKEN];
    while (Atomics.load(words, PUT) === taken) Atomics.wait(words, PUT, taken);
    const request = words.slice(REQUEST, REQUEST + REQUEST_WORDS);
    Atomics.store(words, TAKEN, taken + 1);
    const [space, pc, mode, limit, table, count] = request;
    const targets = Array.from(request.subarray(TARGETS, TARGETS + count), (at) => at >>> 0);
    return {
      space: space >>> 0,
      pc: pc >>> 0,
      mode: FLOAT_MODES[mode],
      limit,
      table: table >>> 0,
      targets,
    };
  }
}
