import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FloatOperation } from '../../emulator/engine/float';
import type { Format } from '../../emulator/isa/emitter';
import type { FloatAnswer, FloatCase } from '../support/float-unit';

const CC = 'riscv64-linux-gnu-gcc';
const QEMU = 'qemu-riscv64-static';

/** The tools that the reference needs and that are not there. */
export function missingTools(): string[] {
  return [CC, QEMU].filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
}

/** The instruction of an operation: `fadd.s`, `fcvt.w.d`, … */
export function mnemonic(op: FloatOperation, format: Format): string {
  const integers: Record<string, string> = { i32: 'w', u32: 'wu', i64: 'l', u64: 'lu' };
  const [direction, type = ''] = op.split('_');
  if (direction === 'to') return `fcvt.${integers[type]}.${format}`;
  if (direction === 'from') return `fcvt.${format}.${integers[type] ?? type}`;
  const names: Partial<Record<FloatOperation, string>> = { fma: 'madd', classify: 'class' };
  return `f${names[op] ?? op}.${format}`;
}

const MOVE: Record<Format, string> = { h: 'h', s: 'w', d: 'd' };

/** Assembly of one operation: operands and result in integer registers. */
function assembly(op: FloatOperation, format: Format, arity: number): string[] {
  const operands = Array.from({ length: arity }, (_, i) => `fa${i}`);
  const fromInteger = /^from_[iu]/.test(op);
  const toInteger = op.startsWith('to_') || ['eq', 'lt', 'le', 'classify'].includes(op);
  const source = /^from_[hsd]/.test(op) ? (op.slice(5) as Format) : format;
  const instruction = mnemonic(op, format);
  return [
    ...(fromInteger ? [] : operands.map((r, i) => `fmv.${MOVE[source]}.x ${r}, %[${'abc'[i]}]`)),
    toInteger
      ? `${instruction} %[r], ${operands.join(', ')}`
      : `${instruction} fa0, ${fromInteger ? '%[a]' : operands.join(', ')}`,
    'frflags %[f]',
    ...(toInteger ? [] : [`fmv.x.${MOVE[format]} %[r], fa0`]),
  ];
}

function program(
  operations: readonly { op: FloatOperation; format: Format; arity: number }[],
): string {
  const cases = operations.map(({ op, format, arity }, i) => {
    const lines = assembly(op, format, arity).map((line) => `        "${line}\\n"`);
    return `    case ${i}: asm volatile("fscsr %[rm]\\n"
${lines.join('\n')}
        : [r] "=&r"(r), [f] "=&r"(f) : [rm] "r"(q.rm << 5), [a] "r"(q.a), [b] "r"(q.b), [c] "r"(q.c)
        : "fa0", "fa1", "fa2"); break;`;
  });
  return `#include <stdint.h>
#include <stdio.h>
asm(".option arch, +zfh");
struct { uint32_t op, rm; uint64_t a, b, c; } q;
int main(void) {
  while (fread(&q, sizeof q, 1, stdin) == 1) {
    uint64_t r, f;
    switch (q.op) {
${cases.join('\n')}
    default: return 1;
    }
    uint64_t answer[2] = { r, f };
    fwrite(answer, sizeof answer, 1, stdout);
  }
  return 0;
}
`;
}

/** Computes floating-point operations with the instructions themselves, in QEMU. */
export class FloatReference {
  private readonly directory = mkdtempSync(join(tmpdir(), 'hartscope-float-'));
  private readonly executable = join(this.directory, 'reference');

  constructor(
    private readonly operations: readonly { op: FloatOperation; format: Format; arity: number }[],
  ) {
    const source = join(this.directory, 'reference.c');
    writeFileSync(source, program(operations));
    execFileSync(CC, ['-static', '-O1', '-march=rv64gc', source, '-o', this.executable]);
  }

  answers(cases: readonly FloatCase[]): FloatAnswer[] {
    const input = Buffer.alloc(cases.length * 32);
    cases.forEach((test, i) => {
      const number = this.operations.findIndex(
        ({ op, format }) => op === test.op && format === test.format,
      );
      input.writeUInt32LE(number, i * 32);
      input.writeUInt32LE(test.rm, i * 32 + 4);
      test.operands.forEach((operand, j) => input.writeBigUInt64LE(operand, i * 32 + 8 + 8 * j));
    });
    const output = execFileSync(QEMU, ['-cpu', 'rv64,Zfh=true', this.executable], {
      input,
      maxBuffer: cases.length * 16 + 4096,
    });
    if (output.length !== cases.length * 16) {
      throw new Error(`the reference answered ${output.length / 16} of ${cases.length} cases`);
    }
    return cases.map(({ op, format }, i) => {
      const register = output.readBigUInt64LE(i * 16);
      const isInteger = op.startsWith('to_');
      const width = isInteger ? 64 : { h: 16, s: 32, d: 64 }[format];
      return {
        result: BigInt.asUintN(width, register),
        flags: Number(output.readBigUInt64LE(i * 16 + 8)),
      };
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
