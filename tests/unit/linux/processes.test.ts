import { describe, expect, test } from 'vitest';
import type { MachineStop } from '../../../emulator/debug/target';
import {
  call,
  DATA,
  exit,
  fork,
  machineOf,
  outcome,
  program,
  say,
  show,
  wait,
} from './process-guests';

const exited = (status: number): MachineStop => ({ kind: 'exited', status });
const WORD = DATA + 0x100;
const PIPE = DATA + 0x200;
const ACTION = DATA + 0x300;
const TEXT = DATA + 0x400;
/** An address in the programs' code. */
const CODE_ADDRESS = 0x10000;
const hex = (value: number): string => value.toString(16).padStart(16, '0');

/** Loads a word of memory into a register. */
const load = (register: string, address: number): string =>
  `\nli t0, ${address}\nlw ${register}, 0(t0)\n`;
const store = (value: number, address: number): string =>
  `\nli t0, ${address}\nli t1, ${value}\nsd t1, 0(t0)\n`;

describe('fork', () => {
  test('returns twice: the child’s pid here, 0 there', () => {
    const { output, stop } = outcome(`
      ${fork('child')}
      ${wait()}
      ${show('s1', 'a')} ${show('s3', 'b')} ${show('s2', 'c')}
      ${exit(1)}
      child: ${call('getpid')} ${show('a0', 'd')} ${call('getppid')} ${show('a0', 'e')}
      ${exit(7)}`);
    const pids = [1001, 1000, 1001, 1001, 0x700].map((value) => `${hex(value)} `);
    expect(output).toBe(pids.join(''));
    expect(stop).toEqual(exited(1));
  });

  test('gives the child memory of its own: neither sees what the other stores', () => {
    const { output } = outcome(`
      ${store(1, WORD)}
      ${fork('child')}
      ${store(2, WORD)}
      ${wait()}
      ${load('s4', WORD)} ${show('s4', 'a')} ${exit(0)}
      child: ${load('s4', WORD)} ${show('s4', 'b')} ${store(3, WORD)} ${exit(0)}`);
    expect(output).toBe(`${hex(1)} ${hex(2)} `);
  });

  test('shares memory that was mapped with MAP_SHARED, and futexes in it', () => {
    const { output, stop } = outcome(`
      ${call('mmap', 0, 4096, 3, 0x21, -1, 0)}
      mv s5, a0
      ${fork('child')}
      ${call('futex', 's5', 0, 0, 0)}
      lw s4, 0(s5)
      ${show('s4', 'a')} ${wait()} ${exit(0)}
      child: li t0, 42
      sw t0, 0(s5)
      ${call('futex', 's5', 1, 1)}
      ${exit(0)}`);
    expect(output).toBe(`${hex(42)} `);
    expect(stop).toEqual(exited(0));
  });

  test('leaves both the same file: what one stores in a mapping of its own the other sees in its own', () => {
    const open = call('openat', -100, TEXT, 0o102, 0o600);
    const map = call('mmap', 0, 4096, 3, 1, 's5', 0);
    const { output, stop } = outcome(
      `
      ${open} mv s5, a0
      ${call('ftruncate', 's5', 4096)}
      ${fork('child')}
      ${map} mv s6, a0
      1: ${call('sched_yield')} lw s4, 0(s6)
      beqz s4, 1b
      addi t0, s4, 1
      sw t0, 4(s6)
      ${wait()} ${exit(0)}
      child:
      ${open} mv s5, a0
      ${map} mv s6, a0
      li t0, 41
      sw t0, 0(s6)
      2: ${call('sched_yield')} lw s4, 4(s6)
      beqz s4, 2b
      ${show('s4', 'a')} ${exit(0)}`,
      `${'\0'.repeat(0x400)}/tmp/f\0`,
    );
    expect(output).toBe(`${hex(42)} `);
    expect(stop).toEqual(exited(0));
  });

  test('shares open files with their positions', () => {
    const { output } = outcome(
      `
      ${call('openat', -100, TEXT, 0o102, 0o600)}
      mv s5, a0
      ${call('write', 's5', TEXT, 6)}
      ${fork('child')}
      ${wait()}
      ${call('lseek', 's5', 0, 1)} ${show('a0', 'a')} ${exit(0)}
      child: ${call('lseek', 's5', 2, 0)} ${exit(0)}`,
      `${'\0'.repeat(0x400)}/tmp/f\0`,
    );
    expect(output).toBe(`${hex(2)} `);
  });

  test('is EAGAIN beyond the limit of processes', () => {
    const { output } = outcome(
      `
      ${fork('child')} ${call('clone', 17, 0, 0, 0, 0)} ${show('a0', 'a')}
      ${wait()} ${exit(0)}
      child: ${call('getpid')} ${exit(0)}`,
      '',
      { limits: { processes: 2 } },
    );
    expect(BigInt.asIntN(64, BigInt(`0x${output.trim()}`))).toBe(-11n);
  });

  test('leaves nothing: after 1,000 children in a row frames, spaces and harts are as before', () => {
    const { machine } = machineOf(
      program(
        `
      ${fork('child')} ${wait()} ${call('sched_yield')}
      li s6, 1000
      again: ${fork('child')} ${wait()}
      addi s6, s6, -1
      bnez s6, again
      ${call('nanosleep', WORD, 0)}
      ${exit(0)}
      child: ${store(5, WORD + 8)} ${exit(3)}`,
        wordsAt(0x100, [1n]),
      ),
    );
    const { arena } = machine;
    const use = (): object => ({
      frames: arena.frames.used,
      nodes: arena.nodes.used,
      spaces: arena.spaces.used,
      harts: machine.liveHarts.length,
      processes: machine.processes.length,
    });
    // The first child has ended: what is made once is there.
    const yields = (): boolean => machine.kernel.usage().some(({ name }) => name === 'sched_yield');
    while (!yields()) machine.run(10);
    const before = use();
    let stop = machine.run(1e9);
    while (stop.kind === 'fuel') stop = machine.run(1e9);
    expect(stop.kind).toBe('waiting');
    expect(machine.kernel.usage().find(({ name }) => name === 'clone')?.count).toBe(1001);
    expect(use()).toEqual(before);
    expect(machine.kernel.system.processes.list()).toHaveLength(1);
    machine.dispose();
  });

  test('runs the same in one piece and step by step', () => {
    const elf = program(`
      ${fork('child')} ${say('p')} ${wait()} ${exit(0)}
      child: ${say('c')} li s7, 30000
      spin: addi s7, s7, -1
      bnez s7, spin
      ${say('d')} ${exit(0)}`);
    const whole = machineOf(elf);
    const steps = machineOf(elf);
    expect(whole.machine.run(40_000)).toEqual({ kind: 'fuel' });
    expect(whole.machine.instructions).toBe(40_000);
    expect(steps.machine.step(40_000)).toEqual({ kind: 'fuel' });
    expect(steps.output()).toBe(whole.output());
    const pcs = ({ machine }: typeof whole): number[] =>
      machine.liveHarts.map(({ state }) => state.pc);
    expect(pcs(steps)).toEqual(pcs(whole));
    whole.machine.dispose();
    steps.machine.dispose();
  });
});

/** Data with 64-bit words from an offset on. */
function wordsAt(offset: number, words: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(offset + 8 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setBigUint64(offset + 8 * i, word, true));
  return bytes;
}

describe('vfork', () => {
  test('lends the child its parent’s memory until it ends, and the parent waits', () => {
    const { output } = outcome(`
      ${call('clone', 0x4111, 0, 0, 0, 0)}
      beqz a0, child
      mv s1, a0
      ${say('p')} ${load('s4', WORD)} ${show('s4', 'a')} ${wait()} ${exit(0)}
      child: ${store(9, WORD)} ${say('c')} ${call('sched_yield')} ${say('d')} ${exit(0)}`);
    expect(output).toBe(`cdp${hex(9)} `);
  });
});

describe('waiting for children', () => {
  test('tells exit statuses and signals, and ECHILD when there is nobody', () => {
    const { output } = outcome(`
      ${fork('ends')} ${wait()} ${show('s2', 'a')}
      ${fork('pauses')} ${call('kill', 's1', 9)} ${wait()} ${show('s2', 'b')}
      ${call('wait4', -1, 0, 0, 0)} neg a0, a0
      ${show('a0', 'c')} ${exit(0)}
      ends: ${exit(0x123)}
      pauses: ${call('ppoll', 0, 0, 0, 0)} ${exit(0)}`);
    expect(output).toBe(`${hex(0x2300)} ${hex(9)} ${hex(10)} `);
  });

  test('does not wait with WNOHANG, and leaves a child for later with WNOWAIT', () => {
    const { output } = outcome(`
      ${fork('child')} ${wait(1)} ${show('s3', 'a')}
      ${call('waitid', 0, 0, WORD, 0x1000004, 0)}
      ${load('s4', WORD + 24)} ${show('s4', 'b')}
      ${wait()} sub s4, s3, s1
      ${show('s4', 'c')} ${exit(0)}
      child: ${call('sched_yield')} ${exit(6)}`);
    expect(output).toBe(`${hex(0)} ${hex(6)} ${hex(0)} `);
  });

  test('tells stops and continuations', () => {
    const { output } = outcome(`
      ${fork('child')} ${wait(2)} ${show('s2', 'a')}
      ${call('kill', 's1', 18)} ${wait(8)} ${show('s2', 'b')}
      ${wait()} ${show('s2', 'c')} ${exit(0)}
      child: ${call('getpid')} ${call('kill', 'a0', 19)} ${say('x')} ${exit(4)}`);
    expect(output.replace('x', '')).toBe(`${hex(0x137f)} ${hex(0xffff)} ${hex(0x400)} `);
  });

  test('a child that has ended is a zombie until then, and hears no signal', () => {
    const { output } = outcome(`
      ${fork('child')} ${call('waitid', 1, 's1', 0, 0x1000004, 0)}
      ${call('kill', 's1', 0)} ${show('a0', 'a')} ${wait()}
      ${call('kill', 's1', 0)} neg a0, a0
      ${show('a0', 'b')} ${exit(0)}
      child: ${exit(0)}`);
    expect(output).toBe(`${hex(0)} ${hex(3)} `);
  });

  test('nobody waits for children of a process that ignores SIGCHLD', () => {
    const { output } = outcome(`
      ${store(1, ACTION)} ${call('rt_sigaction', 17, ACTION, 0, 8)}
      ${fork('child')} ${call('wait4', -1, 0, 0, 0)} neg a0, a0
      ${show('a0', 'a')} ${exit(0)}
      child: ${exit(0)}`);
    expect(output).toBe(`${hex(10)} `);
  });
});

describe('orphans', () => {
  test('get init for a parent, and run on before the machine ends', () => {
    const { output, stop } = outcome(`
      ${fork('child')} ${say('p')} ${exit(5)}
      child: ${call('getppid')} li t0, 1
      bne a0, t0, child
      ${say('o')} ${exit(0)}`);
    expect(output).toBe('po');
    expect(stop).toEqual(exited(5));
  });

  test('get the next subreaper above', () => {
    const { output } = outcome(`
      ${call('prctl', 36, 1, 0, 0, 0)}
      ${fork('child')} ${wait()} ${call('wait4', -1, DATA, 0, 0)} ${show('a0', 'a')} ${exit(0)}
      child: ${fork('grandchild')} ${exit(0)}
      grandchild: ${call('getppid')} li t0, 1000
      bne a0, t0, grandchild
      ${exit(0)}`);
    expect(output).toBe(`${hex(1002)} `);
  });

  test('that wait for what nobody will do end with the machine', () => {
    const { stop } = outcome(`
      ${call('pipe2', PIPE, 0)} ${fork('child')} ${exit(2)}
      child: ${load('a0', PIPE)} ${call('read', 'a0', WORD, 1)} ${exit(0)}`);
    expect(stop).toEqual(exited(2));
  });
});

describe('pipes between processes', () => {
  test('end when their last writer has gone', () => {
    const { output } = outcome(
      `
      ${call('pipe2', PIPE, 0)} ${fork('child')}
      ${load('a0', PIPE + 4)} ${call('close', 'a0')}
      again: ${load('a0', PIPE)} ${call('read', 'a0', WORD, 1)}
      beqz a0, over
      ${call('write', 1, WORD, 1)} j again
      over: ${say('.')} ${wait()} ${exit(0)}
      child: ${load('a0', PIPE + 4)} ${call('write', 'a0', TEXT, 5)} ${exit(0)}`,
      `${'\0'.repeat(0x400)}bytes`,
    );
    expect(output).toBe('bytes.');
  });

  test('end who writes without a reader by SIGPIPE, and are EPIPE to who ignores it', () => {
    const { output } = outcome(`
      ${call('pipe2', PIPE, 0)} ${load('a0', PIPE)} ${call('close', 'a0')}
      ${fork('child')} ${wait()} ${show('s2', 'a')}
      ${store(1, ACTION)} ${call('rt_sigaction', 13, ACTION, 0, 8)}
      ${load('a0', PIPE + 4)} ${call('write', 'a0', TEXT, 1)} neg a0, a0
      ${show('a0', 'b')} ${exit(0)}
      child: ${load('a0', PIPE + 4)} ${call('write', 'a0', TEXT, 1)} ${exit(0)}`);
    expect(output).toBe(`${hex(13)} ${hex(32)} `);
  });
});

describe('signals between processes', () => {
  test('reach every process of a group, and a handler of SIGCHLD is told of the end', () => {
    const { output } = outcome(`
      ${store(0, ACTION)}
      la t0, handler
      li t1, ${ACTION}
      sd t0, 0(t1)
      ${call('rt_sigaction', 17, ACTION, 0, 8)}
      ${fork('child')}
      ${call('setpgid', 's1', 's1')}
      neg s4, s1
      ${call('kill', 's4', 15)}
      ${wait()} ${show('s2', 'a')} ${exit(0)}
      handler: ${say('h')} ret
      child: ${call('ppoll', 0, 0, 0, 0)} j child`);
    expect(output).toBe(`h${hex(15)} `);
  });

  test('a session has groups of its own', () => {
    const { output } = outcome(`
      ${call('setsid')} neg a0, a0
      ${show('a0', 'a')} ${fork('child')} ${wait()} ${exit(0)}
      child: ${call('setsid')} ${show('a0', 'b')} ${call('getpgid', 0)} ${show('a0', 'c')}
      ${call('getsid', 0)} ${show('a0', 'd')} ${exit(0)}`);
    expect(output).toBe([1, 1001, 1001, 1001].map((value) => `${hex(value)} `).join(''));
  });
});

describe('execve', () => {
  const SCRIPT = DATA + 0x500;
  const NAME = DATA + 0x580;
  const ARGV = DATA + 0x600;

  /** Data with texts at their places, and argv = { NAME, 0 }. */
  function files(script: string): Uint8Array {
    const bytes = Buffer.alloc(0x800);
    bytes.write(`${script}\0`, 0x500, 'latin1');
    bytes.write('/tmp/s\0', 0x580, 'latin1');
    bytes.writeBigUInt64LE(BigInt(NAME), 0x600);
    return bytes;
  }

  /** Tells an execve of a file with this content from the program that it starts: that one has more arguments. */
  const makeAndRun = (script: string, mode = 0o700): ReturnType<typeof outcome> =>
    outcome(
      `
      ld s8, 0(sp)
      li t0, 1
      bne s8, t0, begun
      ${call('openat', -100, NAME, 0o101, mode)}
      mv s5, a0
      ${call('write', 's5', SCRIPT, script.length)}
      ${call('close', 's5')}
      ${call('execve', NAME, ARGV, 0)} neg a0, a0
      ${show('a0', 'a')} ${exit(1)}
      begun: ${show('s8', 'b')}
      ld s9, 16(sp)
      ${call('write', 1, 's9', 6)} ${exit(5)}`,
      files(script),
      { path: '/prog' },
    );

  test('runs a script with the interpreter of its first line, its argument and its path', () => {
    const { output, stop } = makeAndRun('#! /prog  hello\nwhatever');
    expect(output).toBe(`${hex(3)} hello\0`);
    expect(stop).toEqual(exited(5));
  });

  test.each([
    ['what is no program', 'echo plain', 0o700, 8],
    ['what may not be run', '#!/prog', 0o600, 13],
    ['a script whose interpreter is not there', '#!/none', 0o700, 2],
    ['a script that runs itself', '#!/tmp/s', 0o700, 40],
  ])('refuses %s, and the process goes on', (_, script, mode, errno) => {
    const { output, stop } = makeAndRun(script, mode);
    expect(output).toBe(`${hex(errno)} `);
    expect(stop).toEqual(exited(1));
  });

  test('closes what is to be closed, makes handlers defaults, and keeps id, ignored signals and pending ones', () => {
    const { output } = outcome(
      `
      ${call('rt_sigaction', 10, 0, ACTION, 8)} ${load('s4', ACTION)}
      bnez s4, second
      ${store(1, ACTION)} ${call('rt_sigaction', 10, ACTION, 0, 8)}
      ${store(CODE_ADDRESS, ACTION)} ${call('rt_sigaction', 12, ACTION, 0, 8)}
      ${call('dup3', 1, 9, 0o2000000)} ${call('dup3', 1, 8, 0)}
      ${call('execve', NAME, ARGV, 0)}
      second: ${show('s4', 'a')}
      ${call('rt_sigaction', 12, 0, ACTION, 8)} ${load('s4', ACTION)} ${show('s4', 'b')}
      ${call('fcntl', 8, 1, 0)} ${show('a0', 'c')}
      ${call('fcntl', 9, 1, 0)} neg a0, a0
      ${show('a0', 'd')} ${call('getpid')} ${show('a0', 'e')} ${exit(0)}`,
      (() => {
        const bytes = Buffer.alloc(0x800);
        bytes.write('/prog\0', 0x580, 'latin1');
        bytes.writeBigUInt64LE(BigInt(NAME), 0x600);
        return bytes;
      })(),
      { path: '/prog' },
    );
    expect(output).toBe([1, 0, 0, 9, 1000].map((value) => `${hex(value)} `).join(''));
  });
});

test('a process that calls multiprocess has vCPUs of its own, with numbers of their own', () => {
  const { output, stop } = outcome(`
    ${fork('child')}
    li s10, 1
    j tasks
    child: li s10, 2
    tasks:
    li a0, 3
    li a1, 0
    li a2, 0
    li a7, 110
    ecall
    beqz a0, joined
    ${say('v')}
    li a7, 111
    ecall
    joined: li a7, 111
    ecall
    li t0, 2
    beq s10, t0, over
    ${wait()} ${show('s2', 'a')} ${exit(0)}
    over: ${exit(4)}`);
  expect(output).toBe(`vvvvvv${hex(0x400)} `);
  expect(stop).toEqual(exited(0));
});
