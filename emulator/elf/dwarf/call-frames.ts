import type { FrameDescription } from './call-frame-section';
import type { DwarfReader } from './reader';

/** Where the caller's value of a register is (DWARF 5, section 6.4.1). */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'same' }
  /** In memory at CFA + offset. */
  | { readonly kind: 'offset'; readonly offset: number }
  /** The value is CFA + offset. */
  | { readonly kind: 'value-offset'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  /** In memory at the expression's value. */
  | { readonly kind: 'expression'; readonly expression: Uint8Array }
  /** The value is the expression's. */
  | { readonly kind: 'value-expression'; readonly expression: Uint8Array };

/** How the canonical frame address (CFA) is found. */
export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: number }
  | { readonly kind: 'expression'; readonly expression: Uint8Array };

/** The rules at one instruction. A register without a rule has none: the ABI says what became of it. */
export interface FrameRules {
  readonly cfa: CfaRule;
  readonly registers: ReadonlyMap<number, RegisterRule>;
}

/** Call frame instructions (DW_CFA, DWARF 5, section 7.24; GNU extensions). */
const CFA = {
  setLoc: 0x01,
  advanceLoc1: 0x02,
  advanceLoc2: 0x03,
  advanceLoc4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  sameValue: 0x08,
  register: 0x09,
  rememberState: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
  gnuArgsSize: 0x2e,
  gnuNegativeOffsetExtended: 0x2f,
} as const;

/** Rows that may be remembered at once: more is hostile. */
const MAX_REMEMBERED = 256;

interface Row {
  cfa: CfaRule | undefined;
  registers: Map<number, RegisterRule>;
}

/**
 * The rules at an instruction of the description.
 * @param address as linked, in [description.start, description.end)
 * @throws DwarfError when the instructions cannot be read
 */
export function rulesAt(description: FrameDescription, address: number): FrameRules {
  const [common, own] = description.instructions();
  const machine = new CallFrameMachine(description, address);
  machine.run(common);
  machine.keepInitial();
  machine.run(own);
  return machine.rules(own);
}

class CallFrameMachine {
  private row: Row = { cfa: undefined, registers: new Map() };
  private initial: ReadonlyMap<number, RegisterRule> = new Map();
  private readonly remembered: Row[] = [];
  private location: number;

  constructor(
    private readonly description: FrameDescription,
    private readonly address: number,
  ) {
    this.location = description.start;
  }

  keepInitial(): void {
    this.initial = new Map(this.row.registers);
  }

  rules(reader: DwarfReader): FrameRules {
    const { cfa, registers } = this.row;
    return cfa === undefined ? reader.fail('no rule says where the frame is') : { cfa, registers };
  }

  /** Runs the instructions up to those of rows behind the address. */
  run(reader: DwarfReader): void {
    while (!reader.done) {
      const opcode = reader.u8();
      const operand = opcode & 0x3f;
      switch (opcode >> 6) {
        case 1:
          this.advance(operand);
          break;
        case 2:
          this.set(operand, {
            kind: 'offset',
            offset: reader.uleb() * this.description.dataAlignment,
          });
          break;
        case 3:
          this.restore(operand);
          break;
        default:
          this.extended(opcode, reader);
      }
      if (this.location > this.address) {
        // The row that begins there is not ours any more.
        return;
      }
    }
  }

  private advance(by: number): void {
    this.location += by * this.description.codeAlignment;
  }

  private set(register: number, rule: RegisterRule): void {
    this.row.registers.set(register, rule);
  }

  private restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule) this.set(register, rule);
    else this.row.registers.delete(register);
  }

  private extended(opcode: number, reader: DwarfReader): void {
    const scale = this.description.dataAlignment;
    switch (opcode) {
      case 0: // DW_CFA_nop
        return;
      case CFA.setLoc:
        this.location = this.description.address(reader);
        return;
      case CFA.advanceLoc1:
        return this.advance(reader.u8());
      case CFA.advanceLoc2:
        return this.advance(reader.u16());
      case CFA.advanceLoc4:
        return this.advance(reader.u32());
      case CFA.offsetExtended:
        return this.set(reader.uleb(), { kind: 'offset', offset: reader.uleb() * scale });
      case CFA.offsetExtendedSf:
        return this.set(reader.uleb(), { kind: 'offset', offset: reader.sleb() * scale });
      case CFA.gnuNegativeOffsetExtended:
        return this.set(reader.uleb(), { kind: 'offset', offset: -reader.uleb() * scale });
      case CFA.valOffset:
        return this.set(reader.uleb(), { kind: 'value-offset', offset: reader.uleb() * scale });
      case CFA.valOffsetSf:
        return this.set(reader.uleb(), { kind: 'value-offset', offset: reader.sleb() * scale });
      case CFA.restoreExtended:
        return this.restore(reader.uleb());
      case CFA.undefined:
        return this.set(reader.uleb(), { kind: 'undefined' });
      case CFA.sameValue:
        return this.set(reader.uleb(), { kind: 'same' });
      case CFA.register:
        return this.set(reader.uleb(), { kind: 'register', register: reader.uleb() });
      case CFA.expression:
        return this.set(reader.uleb(), { kind: 'expression', expression: block(reader) });
      case CFA.valExpression:
        return this.set(reader.uleb(), { kind: 'value-expression', expression: block(reader) });
      case CFA.rememberState:
        return this.remember(reader);
      case CFA.restoreState:
        this.row = this.remembered.pop() ?? reader.fail('no row is remembered to be restored');
        return;
      case CFA.gnuArgsSize:
        reader.uleb();
        return;
      default:
        this.defineCfa(opcode, reader);
    }
  }

  private defineCfa(opcode: number, reader: DwarfReader): void {
    const { row } = this;
    const scale = this.description.dataAlignment;
    switch (opcode) {
      case CFA.defCfa:
        row.cfa = { kind: 'register', register: reader.uleb(), offset: reader.uleb() };
        return;
      case CFA.defCfaSf:
        row.cfa = { kind: 'register', register: reader.uleb(), offset: reader.sleb() * scale };
        return;
      case CFA.defCfaRegister:
        row.cfa = { ...this.registerCfa(reader), register: reader.uleb() };
        return;
      case CFA.defCfaOffset:
        row.cfa = { ...this.registerCfa(reader), offset: reader.uleb() };
        return;
      case CFA.defCfaOffsetSf:
        row.cfa = { ...this.registerCfa(reader), offset: reader.sleb() * scale };
        return;
      case CFA.defCfaExpression:
        row.cfa = { kind: 'expression', expression: block(reader) };
        return;
      default:
        reader.fail(`the call frame instruction 0x${opcode.toString(16)} is not known`, -1);
    }
  }

  private registerCfa(reader: DwarfReader): CfaRule & { kind: 'register' } {
    const { cfa } = this.row;
    // GNU as begins with DW_CFA_def_cfa_register: the offset is 0 then.
    if (cfa === undefined) return { kind: 'register', register: 0, offset: 0 };
    return cfa.kind === 'register' ? cfa : reader.fail('the frame has no register to change');
  }

  private remember(reader: DwarfReader): void {
    if (this.remembered.length >= MAX_REMEMBERED) reader.fail('too many rows are remembered');
    const { cfa, registers } = this.row;
    this.remembered.push({ cfa, registers: new Map(registers) });
  }
}

const block = (reader: DwarfReader): Uint8Array => reader.block(reader.uleb());
