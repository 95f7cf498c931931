import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** What the utility process is asked for, one JSON object in a line. */
export interface UtilityRequest {
  readonly guest: string;
  readonly args: readonly string[];
}

/** What it answers. */
export type UtilityAnswer = { readonly text: string } | { readonly error: string };

/** Until Electron has started and its utility process says that it is there. */
const START_MS = 30_000;

/** Electron without a window, and one utility process of it, which runs guests: `utility-main.ts`, `utility-guests.ts`. */
export class UtilityProcess {
  private answer: ((answer: UtilityAnswer) => void) | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly server: Server,
    private readonly socket: Socket,
  ) {
    createInterface(socket).on('line', (line) => {
      this.answer?.(JSON.parse(line) as UtilityAnswer);
    });
    socket.on('close', () => this.answer?.({ error: 'the utility process has ended' }));
  }

  /**
   * @param folder for the socket that they talk through; nobody else may reach into it
   * @throws Error when Electron is not installed or does not start
   */
  static async start(folder: string): Promise<UtilityProcess> {
    if (!existsSync(join('node_modules', 'electron', 'path.txt'))) {
      throw new Error('Electron is not installed (node scripts/setup.mjs installs it)');
    }
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    const words = ['electron', join(import.meta.dirname, 'utility-main.js'), `--socket=${path}`];
    // As root Chromium does not start with its sandbox on; the utility process has none anyway.
    const options = process.platform === 'linux' ? ['--no-sandbox'] : [];
    const child = spawn(process.execPath, [join('scripts', 'run.mjs'), ...words, ...options], {
      stdio: 'ignore',
    });
    try {
      const socket = await new Promise<Socket>((resolve, reject) => {
        const fail = (): void => reject(new Error('Electron does not start here'));
        server.once('connection', resolve);
        child.once('exit', fail);
        setTimeout(fail, START_MS).unref();
      });
      return new UtilityProcess(child, server, socket);
    } catch (error) {
      child.kill();
      server.close();
      throw error;
    }
  }

  /** Runs a guest and gives what it has printed. One at a time. */
  async run(guest: string, args: readonly string[]): Promise<string> {
    const answered = new Promise<UtilityAnswer>((resolve) => (this.answer = resolve));
    this.socket.write(`${JSON.stringify({ guest, args } satisfies UtilityRequest)}\n`);
    const answer = await answered;
    if ('error' in answer) throw new Error(answer.error);
    return answer.text;
  }

  end(): void {
    this.socket.destroy();
    this.server.close();
    this.child.kill();
  }
}
