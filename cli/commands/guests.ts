import { Command } from 'commander';
import { GUESTS, guestPath } from '../catalogue';
import type { Host } from '../host';
import { json, table } from '../print';

const EXAMPLES = `
Examples:
  hartscope guests
  hartscope guests --json
  hartscope run mandelbrot 60 20
`;

/** `hartscope guests`: the programs that come with Hartscope. */
export function guestsCommand(host: Host): Command {
  return new Command('guests')
    .summary('list the guests that come with Hartscope')
    .description('Lists the programs that come with Hartscope. `run` takes their names.')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(({ json: asJson = false }: { json?: boolean }) => {
      host.out(
        asJson
          ? json(GUESTS.map((guest) => ({ ...guest, path: guestPath(guest) })))
          : table(GUESTS.map(({ name, description }) => [name, description])),
      );
    });
}
