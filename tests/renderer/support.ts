import { mount, type VueWrapper } from '@vue/test-utils';
import { createBirpc } from 'birpc';
import { createPinia, setActivePinia } from 'pinia';
import { onTestFinished, vi } from 'vitest';
import type { Component } from 'vue';
import type { MachineEvents, MachineRequests } from '../../emulator/debug/protocol';
// The page's globals.
import type {} from '../../renderer/env';
import {
  MACHINE_PORT,
  type GrantedFolder,
  type HartscopeApi,
  type KeptSession,
  type MenuEntry,
  type TextFile,
} from '../../preload/api';
import { receivePorts } from '../../renderer/machine-client';
import { useMachine } from '../../renderer/stores/machine';
import { usePrograms } from '../../renderer/stores/programs';
import { FakeMachine } from '../support/fake-machine';
import { FAKE_TEXT } from '../support/fake-source';

/** Enough of an ELF file for the fake machine. */
const PROGRAM = {
  name: 'dot',
  bytes: Uint8Array.of(0x7f, 0x45, 0x4c, 0x46),
  sha256: 'd'.repeat(64),
  arguments: [],
  stopAt: 'main',
} as const;

export interface FakeWindow {
  /** The machines that the page has asked for, newest last. */
  readonly machines: FakeMachine[];
  readonly calls: string[];
  menu: readonly MenuEntry[];
  saved: { name: string; text: string } | null;
  /** What main keeps, by the program's SHA-256. */
  readonly sessions: Map<string, KeptSession>;
  /** Folders that the user has granted, by the program's SHA-256. */
  readonly granted: Map<string, readonly GrantedFolder[]>;
  /** The file that the user chooses to import. */
  importing: TextFile | null;
  /** Where the program's source is; null: nowhere yet. */
  sourceFolder: string | null;
  /** As main reports the end of a machine process. */
  exit(machine: number, reason: string): void;
}

let listening = false;

/** Puts a fake of what the preload script provides into the page; machines answer over real ports. */
export function fakeWindow(): FakeWindow {
  if (!listening) receivePorts();
  listening = true;
  setActivePinia(createPinia());
  // Without a layout every element is 0 px high: give the scrolled views twenty rows.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(400);
  const exits: ((exit: { machine: number; reason: string }) => void)[] = [];
  const fake: FakeWindow = {
    machines: [],
    calls: [],
    menu: [],
    saved: null,
    sessions: new Map(),
    granted: new Map(),
    importing: null,
    sourceFolder: '/home/fake',
    exit: (machine, reason) => exits.forEach((listener) => listener({ machine, reason })),
  };
  const ports: MessagePort[] = [];
  const api: HartscopeApi = {
    versions: { electron: '0', chrome: '0' },
    start: () =>
      Promise.resolve({
        guests: [
          {
            name: 'dot',
            description: 'The dot product of two arrays.',
            arguments: [],
            readsTerminal: false,
            entry: 'main',
            tags: [],
          },
          {
            name: 'crash',
            description: 'Crashes as its argument says.',
            arguments: ['null', 'two words'],
            readsTerminal: false,
            entry: 'main',
            tags: [],
          },
        ],
        recent: [{ path: '/tmp/a.elf', name: 'a.elf' }],
        theme: 'system',
      }),
    readGuest: (name) =>
      Promise.resolve({
        ...PROGRAM,
        name,
        sha256: name === 'dot' ? PROGRAM.sha256 : 'c'.repeat(64),
      }),
    chooseFile: () => Promise.resolve(null),
    readRecent: (path) => Promise.reject(new Error(`${path} cannot be read: ENOENT`)),
    readDropped: () => Promise.resolve({ ...PROGRAM, path: '/tmp/dropped' }),
    recent: () => Promise.resolve([{ path: '/tmp/a.elf', name: 'a.elf' }]),
    readSource: (path) =>
      Promise.resolve(
        fake.sourceFolder === null
          ? { path, tried: [`/build/${path}`] }
          : { path, file: `${fake.sourceFolder}/${path}`, text: FAKE_TEXT },
      ),
    chooseSourceFolder: () => Promise.resolve((fake.sourceFolder = '/home/source')),
    readSession: (sha256) => Promise.resolve(fake.sessions.get(sha256) ?? { session: null }),
    writeSession: (sha256, session) => {
      fake.sessions.set(sha256, { session });
      return Promise.resolve();
    },
    chooseSession: () => Promise.resolve(fake.importing),
    saveText: (name, text) => {
      fake.saved = { name, text };
      return Promise.resolve(`/tmp/${name}`);
    },
    grantedFolders: (sha256) => Promise.resolve(fake.granted.get(sha256) ?? []),
    grantFolder: (sha256, guestPath, writable) => {
      const folders = [
        ...(fake.granted.get(sha256) ?? []),
        { hostPath: '/home/me', guestPath, writable },
      ];
      fake.granted.set(sha256, folders);
      return Promise.resolve(folders);
    },
    revokeFolder: (sha256, guestPath) => {
      const folders = (fake.granted.get(sha256) ?? []).filter(
        (each) => each.guestPath !== guestPath,
      );
      fake.granted.set(sha256, folders);
      return Promise.resolve(folders);
    },
    createMachine: () => {
      const machine = fake.machines.length;
      const { port1, port2 } = new MessageChannel();
      ports.push(port1, port2);
      serve(port1, fake);
      window.dispatchEvent(
        Object.assign(new Event('message'), {
          data: { kind: MACHINE_PORT, machine },
          source: window,
          ports: [port2],
        }),
      );
      return Promise.resolve(machine);
    },
    endMachine: (machine) => {
      fake.calls.push(`end ${machine}`);
      return Promise.resolve();
    },
    newWindow: () => Promise.resolve(),
    setTheme: (theme) => {
      fake.calls.push(`theme ${theme}`);
      return Promise.resolve();
    },
    setTitle: () => Promise.resolve(),
    setMenu: (entries) => {
      fake.menu = entries;
      return Promise.resolve();
    },
    onMachineExited: (listener) => void exits.push(listener),
    onCommand: () => undefined,
  };
  vi.stubGlobal('hartscope', api);
  Object.assign(window, { hartscope: api });
  onTestFinished(() => {
    for (const port of ports) port.close();
    vi.restoreAllMocks();
  });
  return fake;
}

function serve(port: MessagePort, fake: FakeWindow): void {
  const post = (message: unknown): void => port.postMessage([message]);
  const events = createBirpc<MachineEvents, Record<string, never>>(
    {},
    {
      post,
      on: () => undefined,
      eventNames: ['stateChanged', 'output', 'breakpointsChanged', 'message'],
    },
  );
  const machine = new FakeMachine({
    stateChanged: (state) => void events.stateChanged(state),
    output: (bytes, hart) => void events.output(bytes, hart),
    breakpointsChanged: (breakpoints) => void events.breakpointsChanged(breakpoints),
    message: (text, level) => void events.message(text, level),
  });
  fake.machines.push(machine);
  createBirpc<MachineEvents, MachineRequests>(machine, {
    post,
    on: (deliver) => {
      port.onmessage = ({ data }: MessageEvent) => deliver(data);
    },
    bind: 'functions',
  });
}

/** Mounts a component into the page; it is taken away when the test ends. */
export function show(component: Component, props: Record<string, unknown> = {}): VueWrapper {
  const wrapper = mount(component, { props, attachTo: document.body }) as VueWrapper;
  onTestFinished(() => wrapper.unmount());
  return wrapper;
}

/** Opens the program in a machine of its own. */
export async function openProgram(): Promise<ReturnType<typeof useMachine>> {
  const machine = useMachine();
  await machine.open(PROGRAM, { args: [], environment: [] });
  return machine;
}

/** Gives the Guests pane its lists, as the window does at its start. */
export async function loadLists(): Promise<ReturnType<typeof usePrograms>> {
  const programs = usePrograms();
  const start = await window.hartscope.start();
  programs.guests = start.guests;
  programs.recent = start.recent;
  return programs;
}
