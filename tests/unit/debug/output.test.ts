import { afterEach, expect, test } from 'vitest';
import { poolOf } from '../../support/host-entries';
import { call, DATA, exit, programOf } from '../multiprocess/stress';
import { Client } from './client';

let client: Client | undefined;
afterEach(() => client?.end());

/** Each vCPU writes the letter of its id thirty times; main writes before and after. */
const LETTERS = `
    li s0, ${DATA}
    li t0, 64
    sb t0, 0(s0)
    ${call(64, 1, DATA, 1)}
    ${call(110, 4, 0)}
    beqz a0, main
    slli t0, a0, 3
    add s0, s0, t0
    addi a0, a0, 64
    sb a0, 0(s0)
    li s1, 30
  again:
    li a0, 1
    mv a1, s0
    li a2, 1
    li a7, 64
    ecall
    li t0, 2000
  busy:
    addi t0, t0, -1
    bnez t0, busy
    addi s1, s1, -1
    bnez s1, again
    ${call(111)}
  main:
    ${call(64, 1, DATA, 1)}
    ${exit(0)}`;

test.each([0, 2])(
  'output is told with the hart that printed it (%i pool threads)',
  async (threads) => {
    client = new Client(poolOf(threads));
    await client.open('letters', [], { elf: programOf(LETTERS).elf, stopAt: 'entry' });
    const { stop } = await client.after(client.session.run());
    expect(stop).toMatchObject({ kind: 'exited', status: 0 });
    const letters = [...'ABCD'].map((letter, i) => [i + 1, letter.repeat(30)] as const);
    expect([...client.printed].sort(([a], [b]) => a - b)).toEqual([[0, '@@'], ...letters]);
    expect(client.output).toHaveLength(122);
  },
);
