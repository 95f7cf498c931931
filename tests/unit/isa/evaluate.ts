import { INSTRUCTIONS, type Emitter, type Instruction } from '../../../emulator/isa';
import { choose, i32, i64, ModuleBuilder, type Expr, type Local } from '../../../emulator/wasm';

/** The operands of an instruction that computes with integer registers. */
export interface Operands {
  readonly rs1?: bigint;
  readonly rs2?: bigint;
  readonly imm?: bigint;
}

type Computation = (rs1: bigint, rs2: bigint, imm: bigint) => bigint;

/**
 * The semantics of all instructions that only compute with integer registers, as functions of one module
 * (`rs1, rs2, imm -> rd`). Everything else is refused by the emitter and left out.
 */
function compile(): Map<string, Computation> {
  const module = new ModuleBuilder();
  for (const instruction of INSTRUCTIONS.filter(
    ({ semantics, control }) => semantics && !control,
  )) {
    if (!isComputation(instruction)) continue;
    const { index, builder } = module.function(['i64', 'i64', 'i64'], ['i64']);
    const fields = { rs1: builder.param(0, 'i64'), rs2: builder.param(1, 'i64') };
    const imm = builder.param(2, 'i64');
    const rd = builder.local('i64');
    instruction.semantics?.({
      ...refusing(),
      x: (field) => fields[field],
      w: (field) => i32.wrap_i64(fields[field]),
      imm: () => imm,
      imm32: () => i32.wrap_i64(imm),
      setX: (value) => builder.set(rd, value),
      setW: (value) => builder.set(rd, i64.extend_i32_s(value)),
      let: (value) => {
        const local = builder.local(value.type);
        builder.set(local, value);
        return local;
      },
      choose,
    });
    rd.emit(builder.code);
    module.export(instruction.name, index);
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory },
  });
  return new Map(Object.entries(instance.exports) as [string, Computation][]);
}

/** Whether the semantics use nothing but integer registers and the immediate. */
function isComputation({ semantics }: Instruction): boolean {
  const value = i64.const(0);
  const local = <T extends 'i32' | 'i64'>(type: T): Local<T> => ({
    type,
    index: 0,
    emit: () => {},
  });
  try {
    semantics?.({
      ...refusing(),
      x: () => value,
      w: () => i32.const(0),
      imm: () => value,
      imm32: () => i32.const(0),
      setX: () => {},
      setW: () => {},
      let: ((kept: Expr<'i32' | 'i64'>) => local(kept.type)) as Emitter['let'],
      choose: (_, yes) => yes,
    });
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

class Refusal extends Error {}

function refusing(): Emitter {
  const refuse = (): never => {
    throw new Refusal();
  };
  return {
    ...{ x: refuse, w: refuse, imm: refuse, imm32: refuse, pc: refuse, nextPc: refuse },
    ...{ setX: refuse, setW: refuse, let: refuse, choose: refuse, load: refuse, store: refuse },
    ...{ amo: refuse, loadReserved: refuse, storeConditional: refuse, fence: refuse },
    ...{ branch: refuse, jump: refuse, jumpIndirect: refuse, trap: refuse, fraw: refuse },
    ...{ f: refuse, setF: refuse, arithmetic: refuse, fusedMultiplyAdd: refuse, float: refuse },
  };
}

const computations = compile();

/** Names of the instructions that `evaluate` knows. */
export const computationNames: readonly string[] = [...computations.keys()];

/** What an instruction writes to rd, as an unsigned 64-bit number. */
export function evaluate(name: string, { rs1 = 0n, rs2 = 0n, imm = 0n }: Operands): bigint {
  const computation = computations.get(name);
  if (!computation) throw new Error(`${name} does not only compute with integer registers`);
  return BigInt.asUintN(64, computation(rs1, rs2, imm));
}
