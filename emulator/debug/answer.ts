import { UnavailableError } from '../elf/dwarf/expression';
import { DwarfError } from '../elf/dwarf/reader';
import { ExpressionError } from './expression-tokens';

/**
 * A synchronous answer as a promise: what it throws rejects. What an expression or the program's state does not allow
 * is said as a sentence.
 */
export function attempt<T>(action: () => T): Promise<T> {
  try {
    return Promise.resolve(action());
  } catch (error) {
    if (!(error instanceof Error)) return Promise.reject(new Error(String(error)));
    const isAnswer =
      error instanceof UnavailableError ||
      error instanceof DwarfError ||
      error instanceof ExpressionError;
    return Promise.reject(isAnswer ? new Error(sentence(error.message)) : error);
  }
}

function sentence(message: string): string {
  const plain = message.replace(/^<|>$/g, '');
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`;
}
