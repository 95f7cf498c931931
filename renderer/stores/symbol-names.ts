import { defineStore } from 'pinia';
import { shallowRef, watch } from 'vue';
import { placeName } from '../format';
import { useMachine } from './machine';

/** Names kept of a program; a program that shows more begins afresh. */
const MOST = 10_000;

/** The names of addresses that were asked for, as `main+0x12`: for values shown as symbols. */
export const useSymbolNames = defineStore('symbol-names', () => {
  const machine = useMachine();
  const names = shallowRef<ReadonlyMap<bigint, string>>(new Map());

  watch(
    () => [machine.info, machine.focusProgram],
    () => (names.value = new Map()),
  );

  /** The name of an address, when it is known and has one. */
  const nameOf = (bits: bigint): string | undefined => names.value.get(bits);

  /** Asks for the names of those that are addresses and not known yet. */
  async function need(values: Iterable<bigint>): Promise<void> {
    const wanted = [...new Set(values)].filter(
      (bits) => bits >= 0x1000n && bits < 1n << 32n && !names.value.has(bits),
    );
    if (wanted.length === 0) return;
    const { info, focusProgram } = machine;
    const places = await machine.requests().locate(wanted.map(Number), machine.focusHart);
    if (info !== machine.info || focusProgram !== machine.focusProgram) return;
    const kept = names.value.size > MOST ? [] : names.value;
    const found = wanted.map((bits, n): [bigint, string] => {
      const place = places[n];
      return [bits, place?.symbol === undefined ? '' : placeName(place)];
    });
    names.value = new Map([...kept, ...found]);
  }

  return { nameOf, need };
});
