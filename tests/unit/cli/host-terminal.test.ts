import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { HostTerminal, type TerminalDevice } from '../../../cli/host-terminal';
import { SIGNAL } from '../../../emulator/linux/abi/signals';
import { LFLAG } from '../../../emulator/linux/termios';

/** A keyboard and a screen that remember what was done with them. */
class FakeKeyboard extends EventEmitter {
  raw = false;
  flowing = false;
  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }
  resume(): this {
    this.flowing = true;
    return this;
  }
  pause(): this {
    this.flowing = false;
    return this;
  }
}

class FakeScreen extends EventEmitter {
  columns = 100;
  rows = 30;
}

function makeTerminal() {
  const keyboard = new FakeKeyboard();
  const screen = new FakeScreen();
  let shown = '';
  const show = {
    isTerminal: false,
    write: (bytes: Uint8Array) => {
      shown += Buffer.from(bytes).toString();
      return bytes.length;
    },
  };
  const device = { keyboard, screen, show } as unknown as TerminalDevice;
  terminal = new HostTerminal(device, () => 0);
  const type = (text: string): boolean => keyboard.emit('data', Buffer.from(text));
  return { terminal, keyboard, screen, type, shown: () => shown };
}

let terminal: HostTerminal | undefined;
afterEach(() => terminal?.close());

const textOf = (read: Uint8Array | 'wait' | 'eof'): string =>
  typeof read === 'string' ? read : Buffer.from(read).toString();

test('a guest that only writes leaves the host’s terminal alone', () => {
  const { terminal, keyboard, shown } = makeTerminal();
  terminal.write(Buffer.from('one\ntwo\n'));
  expect(shown()).toBe('one\ntwo\n');
  expect(keyboard.raw).toBe(false);
});

test('the first read switches to raw mode and the line discipline edits and echoes the line', () => {
  const { terminal, keyboard, type, shown } = makeTerminal();
  expect(terminal.read(100)).toBe('wait');
  expect(keyboard).toMatchObject({ raw: true, flowing: true });
  type('abx\x7fc');
  expect(terminal.read(100)).toBe('wait');
  type('\r');
  expect(textOf(terminal.read(100))).toBe('abc\n');
  // The host's terminal adds the carriage return.
  expect(shown()).toBe('abx\b \bc\n');
});

test('changing the settings switches to raw mode, too, and typed bytes come as they are', () => {
  const { terminal, keyboard, type, shown } = makeTerminal();
  const { termios } = terminal;
  terminal.setTermios({ ...termios, lflag: termios.lflag & ~(LFLAG.ICANON | LFLAG.ECHO) });
  expect(keyboard.raw).toBe(true);
  type('q');
  expect(textOf(terminal.read(100))).toBe('q');
  expect(shown()).toBe('');
});

test('closing puts the host’s terminal back', () => {
  const { terminal, keyboard, screen } = makeTerminal();
  terminal.read(1);
  terminal.close();
  expect(keyboard).toMatchObject({ raw: false, flowing: false });
  expect(keyboard.eventNames()).toEqual([]);
  expect(screen.eventNames()).toEqual([]);
});

test('^D at the start of a line is one end of file', () => {
  const { terminal, type } = makeTerminal();
  terminal.read(1);
  type('\x04');
  expect(terminal.read(1)).toBe('eof');
  expect(terminal.read(1)).toBe('wait');
});

test('a keyboard that has gone is an end of file for ever', () => {
  const { terminal, keyboard } = makeTerminal();
  terminal.read(1);
  keyboard.emit('end');
  expect(terminal.read(1)).toBe('eof');
  expect(terminal.read(1)).toBe('eof');
});

test('^C is SIGINT for the guest, typed in raw mode or sent to the process', () => {
  const { terminal, type } = makeTerminal();
  const signals: number[] = [];
  terminal.onSignal = (signal) => signals.push(signal);
  terminal.read(1);
  type('\x03');
  process.emit('SIGINT');
  expect(signals).toEqual([SIGNAL.SIGINT, SIGNAL.SIGINT]);
});

test('the size is the screen’s and a change is SIGWINCH', () => {
  const { terminal, screen } = makeTerminal();
  const onSignal = vi.fn();
  terminal.onSignal = onSignal;
  expect(terminal.windowSize).toEqual({ columns: 100, rows: 30 });
  screen.columns = 120;
  screen.emit('resize');
  expect(terminal.windowSize).toEqual({ columns: 120, rows: 30 });
  expect(onSignal).toHaveBeenCalledExactlyOnceWith(SIGNAL.SIGWINCH);
});

test('a wait ends with a key, and without one at its deadline', async () => {
  const { terminal, type } = makeTerminal();
  terminal.read(1);
  const wait = terminal.nextEvent();
  type('k\r');
  await wait;
  expect(textOf(terminal.read(9))).toBe('k\n');
  await terminal.nextEvent(1);
  expect(terminal.read(9)).toBe('wait');
});
