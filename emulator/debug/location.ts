import type { FunctionFinder } from '../elf/symbols';
import type { Location } from './protocol';

/** An address with the function that holds it, where one does. */
export function locate(symbols: FunctionFinder, address: number): Location {
  const place = symbols.functionAt(address);
  return place === undefined
    ? { address }
    : { address, symbol: place.symbol.name, offset: place.offset };
}

/** `main`, `main+0x10` or `0x10074`. */
export function describeLocation({ address, symbol, offset }: Location): string {
  if (symbol === undefined) return `0x${address.toString(16)}`;
  return offset === undefined || offset === 0 ? symbol : `${symbol}+0x${offset.toString(16)}`;
}
