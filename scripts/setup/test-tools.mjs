// What the differential tests compare with. They say so and are skipped where it is missing, so nothing here is fatal.
import { aptCommand, hasApt, isRoot, runApt } from './apt.mjs';
import { onPath } from './command.mjs';
import { say } from './say.mjs';

const TOOLS = [
  { program: 'qemu-riscv64-static', packages: [['qemu-user-static']] },
  {
    program: 'riscv64-linux-gnu-gcc',
    packages: [['gcc-riscv64-linux-gnu'], ['libc6-dev-riscv64-cross']],
  },
  { program: 'riscv64-linux-gnu-g++', packages: [['g++-riscv64-linux-gnu']] },
  { program: 'gdb-multiarch', packages: [['gdb-multiarch']] },
];

export async function installTestTools() {
  const missing = TOOLS.filter((tool) => !onPath(tool.program));
  if (missing.length === 0) return;
  const names = missing.map((tool) => tool.program).join(' and ');
  if (!hasApt) {
    say(`${names} not found: tests that compare with them will be skipped`);
    return;
  }
  const command = await aptCommand(missing.flatMap((tool) => tool.packages));
  if (!isRoot) {
    say(`${names} not found: tests that compare with them will be skipped. To run them too:`);
    say(`  ${command}`);
  } else if (!(await runApt(command))) {
    say(`this failed, so tests that compare with ${names} will be skipped: ${command}`);
  }
}
