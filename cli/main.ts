import { Command, CommanderError } from 'commander';
import { version } from '../package.json';
import { benchCommand } from './commands/bench';
import { debugCommand } from './commands/debug';
import { disasmCommand } from './commands/disasm';
import { guestsCommand } from './commands/guests';
import { infoCommand } from './commands/info';
import { profileCommand } from './commands/profile';
import { runCommand } from './commands/run';
import { CommandError, OutputClosed, STATUS } from './errors';
import type { Host } from './host';

const EXAMPLES = `
Examples:
  hartscope run hello                     run a bundled guest
  hartscope run ./program argument        run a program of your own
  hartscope profile mp-dot                count what a program runs
  hartscope debug mp-dot                  debug a program in the terminal
  hartscope disasm --symbol main hello    print a function as assembly
  hartscope info ./program                print what is in a program

hartscope help run, or hartscope run --help, says more about a command.
`;

/** SIGPIPE's number: what a program ends by that writes to a closed pipe. */
const SIGPIPE = 13;

/**
 * The command line.
 * @param args without the name of the program
 * @returns the exit status
 */
export async function main(args: readonly string[], host: Host): Promise<number> {
  try {
    const status = await execute(args, host);
    host.flush();
    return status;
  } catch (error) {
    return report(error, host);
  }
}

async function execute(args: readonly string[], host: Host): Promise<number> {
  let status = 0;
  const program = new Command('hartscope')
    .description('Runs and inspects RISC-V Linux programs.')
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', EXAMPLES)
    .addCommand(runCommand(host, (guestStatus) => (status = guestStatus)))
    .addCommand(debugCommand(host, (commandStatus) => (status = commandStatus)))
    .addCommand(profileCommand(host, (guestStatus) => (status = guestStatus)))
    .addCommand(benchCommand(host))
    .addCommand(disasmCommand(host))
    .addCommand(infoCommand(host))
    .addCommand(guestsCommand(host));
  for (const command of [program, ...program.commands]) {
    command.helpOption('-h, --help', 'print help');
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => host.out(text),
      // Commander's own messages: `report` says them in one line.
      writeErr: () => undefined,
      getOutHelpWidth: () => 100,
    });
  }
  if (args.length === 0) {
    const names = program.commands.map((command) => command.name()).join(', ');
    throw new CommandError(
      `a command is missing: ${names}; hartscope --help says more`,
      STATUS.usage,
    );
  }
  await program.parseAsync(args, { from: 'user' });
  return status;
}

/** Says in one line what went wrong, and answers the exit status. */
function report(error: unknown, host: Host): number {
  if (error instanceof OutputClosed) return STATUS.signalBase + SIGPIPE;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return closeOutput(host, 0);
    const message = error.message
      .replace(/^error: /, '')
      .replaceAll('\n', ' ')
      .replace(/\.$/, '');
    host.err(`hartscope: ${message}; --help says more\n`);
    return STATUS.usage;
  }
  if (error instanceof CommandError) {
    host.err(`hartscope: ${error.message}\n`);
    return error.status;
  }
  const place = error instanceof Error ? /\n\s+(at .+)/.exec(error.stack ?? '')?.[1] : undefined;
  const where = place === undefined ? '' : ` (${place})`;
  host.err(`hartscope: internal error: ${String(error)}${where}\n`);
  return STATUS.failed;
}

function closeOutput(host: Host, status: number): number {
  try {
    host.flush();
    return status;
  } catch (error) {
    return report(error, host);
  }
}
