// The command line, which at its end also writes the most memory that it had (KiB) to the file that this names.
import { writeFileSync } from 'node:fs';

const file = process.env.HARTSCOPE_BENCH_USAGE;
if (file !== undefined) {
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
}
await import('../../cli/index');
