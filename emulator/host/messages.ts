/**
 * What the threads and processes of a machine say to each other beside the debugger protocol.
 *
 *   Electron main ── ToHost ──▶ machine process ── ToThread ──▶ hart thread
 *   Electron main ◀─ FromHost ─ machine process ◀─ FromThread ─ hart thread
 */
import type { MessagePort } from 'node:worker_threads';
import type { FolderGrant } from '../linux/files/tree';

/** The members of Electron's utility process that are used here; Electron's own types stay out of this room. */
export interface ElectronPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown; ports: ElectronPort[] }) => void): void;
  on(event: 'close', listener: () => void): void;
  start(): void;
  close(): void;
}

/** Folders of the host that the user lets a program use. */
export interface ProgramGrants {
  /** Of the program's ELF file, in hexadecimal: no other one gets the folders. */
  readonly sha256: string;
  readonly folders: readonly FolderGrant[];
}

export type ToHost =
  /** What the program may use from its next start on. */
  | { readonly type: 'grants'; readonly grants: ProgramGrants }
  /** The client's port is in the message's `ports`. */
  | { readonly type: 'connect' }
  /** A process for workspace vCPUs runs; its port is in the message's `ports`. */
  | { readonly type: 'workspace'; readonly process: number; readonly pid: number }
  | { readonly type: 'workspace-gone'; readonly process: number; readonly reason: string };

export type FromHost =
  /** A process for workspace vCPUs is wanted, by a number that the machine process gives it, or no longer wanted. */
  | { readonly type: 'workspace-start'; readonly process: number }
  | { readonly type: 'workspace-end'; readonly process: number }
  /** The hart thread is warm. */
  | { readonly type: 'ready' }
  /** The hart thread ended by itself; the process ends right after. */
  | { readonly type: 'failed'; readonly message: string };

export type ToThread =
  | { readonly type: 'connect'; readonly port: MessagePort }
  | { readonly type: 'grants'; readonly grants: ProgramGrants };

export type FromThread =
  | { readonly type: 'ready' }
  /** A machine wants processes for its workspace vCPUs: the connection to it (multiprocess/workspace-host.ts). */
  | { readonly type: 'workspaces'; readonly port: MessagePort; readonly mail: SharedArrayBuffer };

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
