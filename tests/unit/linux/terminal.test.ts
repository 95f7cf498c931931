import { beforeEach, describe, expect, test } from 'vitest';
import { Terminal } from '../../../emulator/linux/terminal';
import { CC, IFLAG, LFLAG, OFLAG, type Termios } from '../../../emulator/linux/termios';

let shown = '';
let signals: number[] = [];
let now = 0;
let terminal: Terminal;

beforeEach(() => {
  shown = '';
  signals = [];
  now = 0;
  terminal = new Terminal({
    columns: 80,
    rows: 24,
    now: () => now,
    output: (bytes) => (shown += Buffer.from(bytes).toString()),
  });
  terminal.onSignal = (signal) => signals.push(signal);
});

function type(text: string): void {
  terminal.input(Buffer.from(text));
}

function read(max = 4096): string {
  const result = terminal.read(max);
  return typeof result === 'string' ? result : Buffer.from(result).toString();
}

function change(flags: Partial<Record<'iflag' | 'oflag' | 'lflag', number>>): void {
  terminal.setTermios({ ...terminal.termios, ...flags });
}

function without(flag: keyof typeof LFLAG): void {
  change({ lflag: terminal.termios.lflag & ~LFLAG[flag] });
}

function raw(minimum: number, time: number): void {
  const cc = Uint8Array.from(terminal.termios.cc);
  cc[CC.VMIN] = minimum;
  cc[CC.VTIME] = time;
  const termios: Termios = { ...terminal.termios, iflag: 0, oflag: 0, lflag: 0, cc };
  terminal.setTermios(termios);
}

describe('in canonical mode', () => {
  test('a line can be read when Enter is typed, not before', () => {
    type('hello');
    expect(read()).toBe('wait');
    type('\r');
    expect(read()).toBe('hello\n');
    expect(read()).toBe('wait');
  });

  test('a read gets one line at most, and a long line in pieces', () => {
    type('one\rtwo\r');
    expect(read()).toBe('one\n');
    expect(read(2)).toBe('tw');
    expect(read(2)).toBe('o\n');
  });

  test('what is typed is shown, Enter as return and newline', () => {
    type('hi\r');
    expect(shown).toBe('hi\r\n');
  });

  test('nothing is shown without ECHO, but for the newline with ECHONL', () => {
    without('ECHO');
    type('secret\r');
    expect(shown).toBe('');
    change({ lflag: terminal.termios.lflag | LFLAG.ECHONL });
    type('secret\r');
    expect(shown).toBe('\r\n');
  });

  test('control characters are shown as ^X, a tab as itself', () => {
    type('\x01\t');
    expect(shown).toBe('^A\t');
  });

  test('Backspace takes the last character off line and screen', () => {
    type('cax\x7ft\r');
    expect(shown).toBe('cax\b \bt\r\n');
    expect(read()).toBe('cat\n');
  });

  test('Backspace at the start of the line does nothing', () => {
    type('\x7f\x7fa\r');
    expect(shown).toBe('a\r\n');
    expect(read()).toBe('a\n');
  });

  test('Backspace erases a character of several bytes as one, with IUTF8', () => {
    type('aé€\x7f\x7f\r');
    expect(shown).toBe('aé€\b \b\b \b\r\n');
    expect(read()).toBe('a\n');
  });

  test('without IUTF8 Backspace erases one byte', () => {
    change({ iflag: terminal.termios.iflag & ~IFLAG.IUTF8 });
    type('é\x7f\r');
    expect(terminal.read(10)).toEqual(Uint8Array.of(0xc3, 10));
  });

  test('Backspace over a control character erases both columns, over a tab goes back its width', () => {
    type('\x01\x7f');
    expect(shown).toBe('^A\b \b\b \b');
    shown = '';
    type('ab\t\x7f');
    expect(shown).toBe('ab\t\b\b\b\b\b\b');
  });

  test('a tab is as wide as it is behind the prompt that the program has written', () => {
    terminal.write(Buffer.from('> '));
    shown = '';
    type('\t\x7f');
    expect(shown).toBe('\t\b\b\b\b\b\b');
  });

  test('^U erases the line', () => {
    type('abc\x15x\r');
    expect(shown).toBe('abc\b \b\b \b\b \bx\r\n');
    expect(read()).toBe('x\n');
  });

  test('^U is shown with a new line when ECHOKE is off', () => {
    without('ECHOKE');
    type('abc\x15x\r');
    expect(shown).toBe('abc^U\r\nx\r\n');
    expect(read()).toBe('x\n');
  });

  test('^W erases the last word and what follows it', () => {
    type('one two, \x17');
    expect(shown.endsWith('\b \b'.repeat(5))).toBe(true);
    type('\r');
    expect(read()).toBe('one \n');
  });

  test('^R shows the line again', () => {
    type('abc\x12');
    expect(shown).toBe('abc^R\r\nabc');
  });

  test('^V takes the next character as it is', () => {
    type('a\x16\x03b\r');
    expect(shown).toBe('a^\b^Cb\r\n');
    expect(signals).toEqual([]);
    expect(read()).toBe('a\x03b\n');
  });

  test('^D at the start of a line is the end of file, once', () => {
    type('\x04');
    expect(read()).toBe('eof');
    expect(read()).toBe('wait');
  });

  test('^D within a line hands over what is typed, without a newline', () => {
    type('abc\x04');
    expect(shown).toBe('abc');
    expect(read()).toBe('abc');
    expect(read()).toBe('wait');
  });

  test('a line that is too long rings the bell and keeps its beginning', () => {
    type('x'.repeat(5000));
    expect(shown.endsWith('\x07')).toBe(true);
    type('\r');
    expect(read(10_000)).toHaveLength(4096);
  });

  test('return and newline are translated as iflag says', () => {
    change({ iflag: IFLAG.INLCR });
    type('a\n');
    expect(read()).toBe('wait');
    change({ iflag: IFLAG.IGNCR });
    type('b\r\n');
    expect(read()).toBe('a\rb\n');
  });
});

describe('signals', () => {
  test('^C, ^\\ and ^Z send SIGINT, SIGQUIT and SIGTSTP and are shown', () => {
    type('\x03\x1c\x1a');
    expect(signals).toEqual([2, 3, 20]);
    expect(shown).toBe('^C^\\^Z');
  });

  test('^C throws away what was typed, unless NOFLSH is set', () => {
    type('one\rtwo\x03');
    expect(read()).toBe('wait');
    change({ lflag: terminal.termios.lflag | LFLAG.NOFLSH });
    type('one\r\x03');
    expect(read()).toBe('one\n');
  });

  test('without ISIG they are characters like others', () => {
    without('ISIG');
    type('\x03\r');
    expect(signals).toEqual([]);
    expect(read()).toBe('\x03\n');
  });

  test('a new window size is told by SIGWINCH, the same one is not', () => {
    terminal.setWindowSize({ columns: 100, rows: 30 });
    terminal.setWindowSize({ columns: 100, rows: 30 });
    expect(signals).toEqual([28]);
    expect(terminal.windowSize).toEqual({ columns: 100, rows: 30 });
  });
});

describe('in raw mode', () => {
  test('bytes pass as they are typed, and nothing is shown', () => {
    raw(1, 0);
    expect(read()).toBe('wait');
    type('a\r\x03\x7f');
    expect(read()).toBe('a\r\x03\x7f');
    expect(shown).toBe('');
    expect(signals).toEqual([]);
  });

  test('a read waits for VMIN bytes, or for as many as it wants', () => {
    raw(3, 0);
    type('ab');
    expect(read()).toBe('wait');
    expect(terminal.readable()).toBe(false);
    expect(read(2)).toBe('ab');
    type('abc');
    expect(terminal.readable()).toBe(true);
    expect(read()).toBe('abc');
  });

  test('with VMIN and VTIME 0 a read never waits', () => {
    raw(0, 0);
    expect(read()).toBe('eof');
    expect(terminal.readDeadline(0)).toBeUndefined();
  });

  test('with VMIN 0 a read waits for VTIME tenths of a second', () => {
    raw(0, 5);
    expect(read()).toBe('wait');
    expect(terminal.readDeadline(1000)).toBe(1500);
    expect(terminal.read(1, true)).toBe('eof');
  });

  test('with VMIN and VTIME the time runs from the last byte on', () => {
    raw(5, 2);
    expect(terminal.readDeadline(0)).toBeUndefined();
    now = 3000;
    type('ab');
    expect(read()).toBe('wait');
    expect(terminal.readDeadline(0)).toBe(3200);
    expect(Buffer.from(terminal.read(10, true) as Uint8Array).toString()).toBe('ab');
  });

  test('a line that was begun in canonical mode can be read at once', () => {
    type('one\rtw');
    raw(1, 0);
    expect(read()).toBe('one\ntw');
  });
});

describe('output', () => {
  test('of the program gets a return before each newline', () => {
    expect(terminal.write(Buffer.from('a\nb\n'))).toBe(4);
    expect(shown).toBe('a\r\nb\r\n');
  });

  test('passes unchanged without OPOST', () => {
    change({ oflag: OFLAG.ONLCR });
    terminal.write(Buffer.from('a\nb\t'));
    expect(shown).toBe('a\nb\t');
  });

  test('has its tabs expanded with XTABS', () => {
    change({ oflag: OFLAG.OPOST | OFLAG.XTABS });
    terminal.write(Buffer.from('ab\tc'));
    expect(shown).toBe('ab      c');
  });

  test('waits from ^S to ^Q', () => {
    type('\x13');
    expect(terminal.write(Buffer.from('x'))).toBe('wait');
    type('\x11');
    expect(terminal.write(Buffer.from('x'))).toBe(1);
    expect(shown).toBe('x');
  });
});
