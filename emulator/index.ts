/**
 * Hartscope's emulator as a library: load a RISC-V program, run it, call its functions, look at it. It
 * needs nothing but Node.
 */
export { describeStop } from './describe-stop';
export { Machine } from './machine';
export { INTERACTIVE_PATIENCE, type MachineOptions } from './machine-options';
export type { EngineKind } from './engine/engine';
export type { EngineStatistics, ExitCause } from './engine/statistics';
export type { CallArgument, CallOptions, CallResult, LentPages } from './guest-call';
export type { MachineStop } from './debug/target';
export { ElfError } from './elf/reader';
export { parseElf } from './elf/parse';
export type { ElfImage } from './elf/parse';
export { SymbolTable } from './elf/symbols';
export type { ProgramSymbol, SymbolPlace } from './elf/symbols';
export { poolFor } from './multiprocess/hart-pool';
export type { PoolOptions } from './multiprocess/hart-pool';
export { childProcesses } from './multiprocess/child-processes';
export type { ProcessEntries } from './multiprocess/child-processes';
export type { WorkspaceHost } from './multiprocess/workspace-host';
export type { Clock } from './linux/clock';
export { FileTree } from './linux/files/tree';
export type { FileTreeOptions, FolderGrant } from './linux/files/tree';
export { ProgramStartError } from './linux/process-start';
export type { InputStream, OutputStream, StandardStreams } from './linux/streams';
export { Terminal } from './linux/terminal';
export { ArenaError, MappingError, OutOfMemory } from './memory/errors';
export { EXECUTE, READ, WRITE } from './memory/address-space';
export { formatSchedule, parseSchedule } from './schedule/options';
export type { Interleaved, Schedule } from './schedule/options';
export { FORMAT, formatEntry, formatMachine, parseRecording } from './schedule/recording';
export type { Entry, RecordedEnd, RecordedMachine, Recording } from './schedule/recording';
export { stateHash } from './schedule/state-hash';
export { formatEvent } from './memory/events';
export type { ArenaEvent } from './memory/events';
export { pageRuns, pageTotals } from './memory/page-runs';
export { FIRST_MOMENT } from './schedule/virtual-clock';
