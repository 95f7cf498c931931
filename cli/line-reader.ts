import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** Lines that somebody types, or that come through a pipe. */
export interface LineReader {
  /** Whether somebody types. */
  readonly isTerminal: boolean;
  /** The next line; undefined at the end. */
  next(prompt: string): Promise<string | undefined>;
  close(): void;
}

export interface LineHandlers {
  /** What a line may go on with: whole words, and the part of the line that they replace. */
  complete(line: string): Promise<[string[], string]>;
  /** ^C. */
  interrupt(): void;
  /** A line that came while none was awaited. */
  typed(line: string): void;
}

const HISTORY_LINES = 500;

function historyFile(): string {
  const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
  return join(state, 'hartscope', 'debug-history');
}

/** Earlier lines, the newest first. */
function readHistory(): string[] {
  try {
    return readFileSync(historyFile(), 'utf8').split('\n').filter(Boolean).reverse();
  } catch {
    // The first time there is none.
    return [];
  }
}

function writeHistory(newestFirst: readonly string[]): void {
  const lines = newestFirst.slice(0, HISTORY_LINES).reverse();
  try {
    mkdirSync(dirname(historyFile()), { recursive: true });
    writeFileSync(historyFile(), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch {
    // A home that cannot be written keeps no history.
  }
}

/** Reads lines from standard input; with editing, completion and history where somebody types. */
export function standardLines(handlers: LineHandlers): LineReader {
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY && stdout.isTTY;
  let history = isTerminal ? readHistory() : [];
  const lines = createInterface({
    input: stdin,
    ...(isTerminal && {
      output: stdout,
      history,
      historySize: HISTORY_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, found: [string[], string]) => void) => {
        handlers.complete(line).then(
          (found) => done(null, found),
          () => done(null, [[], line]),
        );
      },
    }),
  });
  const waiting: string[] = [];
  let take: ((line: string | undefined) => void) | undefined;
  let ended = false;
  const give = (line: string | undefined): void => {
    const taker = take;
    take = undefined;
    taker?.(line);
  };
  lines.on('line', (line) => {
    if (take) give(line);
    else if (isTerminal) handlers.typed(line);
    else waiting.push(line);
  });
  lines.on('history', (all) => (history = all));
  lines.on('SIGINT', () => handlers.interrupt());
  lines.on('close', () => {
    ended = true;
    give(undefined);
  });
  return {
    isTerminal,
    next(prompt) {
      if (waiting.length > 0) return Promise.resolve(waiting.shift());
      if (ended) return Promise.resolve(undefined);
      if (isTerminal) {
        lines.setPrompt(prompt);
        lines.prompt();
      }
      return new Promise((resolve) => (take = resolve));
    },
    close() {
      if (isTerminal) writeHistory(history);
      lines.close();
    },
  };
}
