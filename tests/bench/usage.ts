// At the process's end writes the most memory that it had (KiB) to the file that this names.
import { writeFileSync } from 'node:fs';

const file = process.env.HARTSCOPE_BENCH_USAGE;
if (file) process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)));
