/**
 * What the threads and processes of a machine say to each other beside the debugger protocol.
 *
 *   Electron main ── ToHost ──▶ machine process ── ToThread ──▶ hart thread
 *   Electron main ◀─ FromHost ─ machine process ◀─ FromThread ─ hart thread
 */
import type { MessagePort } from 'node:worker_threads';

/** Electron main hands over the client's port (in the message's `ports`). */
export interface ToHost {
  readonly type: 'connect';
}

export type FromHost =
  /** The hart thread is warm. */
  | { readonly type: 'ready' }
  /** The hart thread ended by itself; the process ends right after. */
  | { readonly type: 'failed'; readonly message: string };

export interface ToThread {
  readonly type: 'connect';
  readonly port: MessagePort;
}

export interface FromThread {
  readonly type: 'ready';
}

/** What a hart thread is started with. */
export interface HartThreadData {
  /**
   * | word | meaning |
   * |---|---|
   * | 0 | 1: a client wants the harts to pause |
   */
  readonly control: SharedArrayBuffer;
}

export const CONTROL_BYTES = 4;
export const PAUSE_WORD = 0;
