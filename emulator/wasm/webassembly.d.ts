/**
 * The part of the WebAssembly JavaScript interface that the emulator uses. TypeScript declares it only together with
 * the DOM, which the emulator must not see, and `@types/node` does not declare it.
 * Source: https://webassembly.github.io/spec/js-api/ and the threads proposal (`shared`).
 */
declare namespace WebAssembly {
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc';
  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag';
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- exports are untyped functions by nature
  type ImportValue = Function | Global | Memory | Module | Table | Tag | number | bigint;
  type Imports = Record<string, Record<string, ImportValue>>;
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  type ExportValue = Function | Global | Memory | Table | Tag;
  type Exports = Record<string, ExportValue>;

  interface MemoryDescriptor {
    /** In pages of 64 KiB. */
    initial: number;
    /** In pages of 64 KiB; required when shared. */
    maximum?: number;
    shared?: boolean;
  }
  interface TableDescriptor {
    element: 'anyfunc' | 'externref';
    initial: number;
    maximum?: number;
  }
  interface GlobalDescriptor {
    value: ValueType;
    mutable?: boolean;
  }
  interface ModuleExportDescriptor {
    name: string;
    kind: ImportExportKind;
  }
  interface ModuleImportDescriptor extends ModuleExportDescriptor {
    module: string;
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor);
    /** A SharedArrayBuffer when the memory is shared. */
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    /** Grows by `delta` pages of 64 KiB and returns the former size in pages. */
    grow(delta: number): number;
  }
  class Table {
    constructor(descriptor: TableDescriptor, value?: unknown);
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(delta: number, value?: unknown): number;
  }
  class Global {
    constructor(descriptor: GlobalDescriptor, value?: number | bigint);
    value: number | bigint;
    valueOf(): number | bigint;
  }
  class Tag {
    constructor(type: { parameters: ValueType[] });
  }
  class Module {
    constructor(bytes: ArrayBuffer | ArrayBufferView);
    static exports(module: Module): ModuleExportDescriptor[];
    static imports(module: Module): ModuleImportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}

  function validate(bytes: ArrayBuffer | ArrayBufferView): boolean;
  function compile(bytes: ArrayBuffer | ArrayBufferView): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
