import { ByteWriter } from './bytes';
import { expr, typeCode, type Expr, type ValueType } from './code';
import { FunctionBuilder } from './function';

/** The most pages of 64 KiB that a 32-bit memory can have. */
const MAX_MEMORY_PAGES = 65536;

/**
 * Assembles a WebAssembly module: imported functions first, then the module's own, in the order in which
 * they are declared. The memory is always imported, shared, from `env.memory`.
 */
export class ModuleBuilder {
  private readonly types = new ByteWriter();
  private readonly typeIndex = new Map<string, number>();
  private readonly imports: { name: string; type: number }[] = [];
  private readonly globals: string[] = [];
  private readonly functions: { builder: FunctionBuilder; type: number }[] = [];
  private readonly exports: { name: string; kind: number; index: number }[] = [];
  private readonly customs = new Map<string, Uint8Array>();
  private tableSize = 0;

  importFunction(
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
  ): number {
    if (this.functions.length > 0) throw new Error('imports come before functions');
    this.imports.push({ name, type: this.type(params, results) });
    return this.imports.length - 1;
  }

  /** Imports a constant `i32` from `env`. */
  importConstant(name: string): Expr<'i32'> {
    const index = this.globals.push(name) - 1;
    return expr('i32', (code) => code.u8(0x23).uleb(index));
  }

  /** Declares a function; its builder may be filled later, so that functions can call each other. */
  function(
    params: readonly ValueType[],
    results: readonly ValueType[],
  ): { index: number; builder: FunctionBuilder } {
    const builder = new FunctionBuilder(params, results);
    this.functions.push({ builder, type: this.type(params, results) });
    return { index: this.imports.length + this.functions.length - 1, builder };
  }

  export(name: string, index: number): void {
    this.exports.push({ name, kind: 0x00, index });
  }

  /** Gives the module a table of `size` functions, empty at first, that is exported under `name`. */
  exportTable(name: string, size: number): void {
    this.tableSize = size;
    this.exports.push({ name, kind: 0x01, index: 0 });
  }

  /** Adds a section that means nothing to WebAssembly (spec, section 5.5.3), after all others. */
  custom(name: string, bytes: Uint8Array): void {
    this.customs.set(name, bytes);
  }

  /** The number of a function type, for indirect calls. */
  signature(params: readonly ValueType[], results: readonly ValueType[]): number {
    return this.type(params, results);
  }

  /** The module in the binary format (spec, section 5.5). */
  build(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(4096).bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const section = (id: number, count: number, body: (w: ByteWriter) => void): void => {
      const content = new ByteWriter(1024).uleb(count);
      body(content);
      out.u8(id).uleb(content.length).append(content);
    };
    section(1, this.typeIndex.size, (w) => w.append(this.types));
    section(2, this.imports.length + this.globals.length + 1, (w) => {
      w.name('env').name('memory').u8(0x02).u8(0x03).uleb(1).uleb(MAX_MEMORY_PAGES);
      for (const { name, type } of this.imports) w.name('env').name(name).u8(0x00).uleb(type);
      for (const name of this.globals) w.name('env').name(name).u8(0x03).u8(typeCode('i32')).u8(0);
    });
    section(3, this.functions.length, (w) => {
      for (const { type } of this.functions) w.uleb(type);
    });
    if (this.tableSize > 0) {
      section(4, 1, (w) => w.u8(0x70).u8(0x01).uleb(this.tableSize).uleb(this.tableSize));
    }
    section(7, this.exports.length, (w) => {
      for (const { name, kind, index } of this.exports) w.name(name).u8(kind).uleb(index);
    });
    section(10, this.functions.length, (w) => {
      for (const { builder } of this.functions) {
        const body = new ByteWriter(builder.code.length + 64);
        writeLocals(body, builder.locals);
        body.append(builder.code).u8(0x0b);
        w.uleb(body.length).append(body);
      }
    });
    for (const [name, bytes] of this.customs) {
      const content = new ByteWriter(bytes.length + 32).name(name).bytes(bytes);
      out.u8(0).uleb(content.length).append(content);
    }
    return out.finish();
  }

  private type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.typeIndex.get(key);
    if (known !== undefined) return known;
    this.types.u8(0x60).uleb(params.length);
    for (const t of params) this.types.u8(typeCode(t));
    this.types.uleb(results.length);
    for (const t of results) this.types.u8(typeCode(t));
    const index = this.typeIndex.size;
    this.typeIndex.set(key, index);
    return index;
  }
}

/** Locals are declared in runs of one type. */
function writeLocals(out: ByteWriter, locals: readonly ValueType[]): void {
  const runs: { count: number; type: ValueType }[] = [];
  for (const type of locals) {
    const run = runs.at(-1);
    if (run?.type === type) run.count += 1;
    else runs.push({ count: 1, type });
  }
  out.uleb(runs.length);
  for (const { count, type } of runs) out.uleb(count).u8(typeCode(type));
}
