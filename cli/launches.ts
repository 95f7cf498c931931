/** `hartscope profile --launches`: runs a program and tells how its vCPUs worked together. */
import type { Machine } from '../emulator';
import { describeAddress } from '../emulator/elf/symbols';
import { EventTap } from '../emulator/profile/event-tap';
import { perfettoTrace } from '../emulator/profile/formats/perfetto';
import type { LaunchUnit, OneHart } from '../emulator/profile/launch';
import { LaunchRecorder } from '../emulator/profile/launch-recorder';
import { launchText, reportLaunches } from '../emulator/profile/launch-report';
import { launchTrace } from '../emulator/profile/launch-trace';
import { launchIn } from '../emulator/profile/launch-view';
import { withGuest, type GuestOptions } from './guest-options';
import { conclude, runToEnd, silent } from './guest-run';
import type { Host, HostStreams } from './host';
import { Interruption } from './interruption';
import type { OutputFile } from './output-file';
import { choosePool } from './pool';

export interface LaunchOptions extends GuestOptions {
  /** Host time on the pool's threads; else instructions, in turns on one thread. */
  readonly hostTime?: boolean;
  /** Arguments of a run that does the same on one vCPU. */
  readonly oneHart?: string;
  readonly maxInstructions?: number;
  readonly json?: boolean;
  readonly top: number;
}

interface LaunchRun {
  readonly machine: Machine;
  readonly program: string;
  readonly recorder: LaunchRecorder;
  readonly status: number;
  /** Length of the run, in the unit. */
  readonly total: number;
  readonly missing: number;
}

/**
 * @param file gets the trace, where one is wanted
 * @returns the exit status
 */
export async function profileLaunches(
  host: Host,
  name: string,
  args: readonly string[],
  options: LaunchOptions,
  file?: OutputFile,
): Promise<number> {
  const unit: LaunchUnit = options.hostTime === true ? 'time' : 'instructions';
  const oneHart = options.oneHart === undefined ? [] : await onOneHart(host, name, options, unit);
  const streams = host.openStreams();
  try {
    const { machine, program, recorder, status, total, missing } = await run(
      host,
      name,
      args,
      options,
      streams,
    );
    const nameOf = (address: number): string => describeAddress(machine.symbols, address);
    const { launches } = recorder;
    const report = reportLaunches(launches, unit, total, nameOf, missing, oneHart);
    host.err(
      options.json === true ? `${JSON.stringify(report)}\n` : launchText(report, options.top),
    );
    file?.write(perfettoTrace(launchTrace(program, launches, unit, nameOf)));
    machine.dispose();
    return status;
  } finally {
    streams.close();
  }
}

/** The launches of the run on one vCPU, to compare with. */
async function onOneHart(
  host: Host,
  name: string,
  options: LaunchOptions,
  unit: LaunchUnit,
): Promise<OneHart[]> {
  const env = new Map([...(options.env ?? []), ['HARTSCOPE_VCPUS', '1'] as const]);
  const args = (options.oneHart ?? '').split(' ').filter((word) => word !== '');
  const streams = silent(host.openStreams());
  try {
    const { machine, recorder } = await run(host, name, args, { ...options, env }, streams);
    machine.dispose();
    return recorder.launches.map((record): OneHart => {
      const { start, end } = launchIn(record, unit);
      const instructions = record.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions, 0);
      return { instructions, length: end - start };
    });
  } finally {
    streams.close();
  }
}

async function run(
  host: Host,
  name: string,
  args: readonly string[],
  options: LaunchOptions,
  streams: HostStreams,
): Promise<LaunchRun> {
  const pool = options.hostTime === true ? choosePool(options.threads) : undefined;
  return withGuest(name, options, async (guest) => {
    const machine = guest.createMachine({
      ...guest.machineOptions(args, streams),
      ...(pool && { pool }),
    });
    const recorder = new LaunchRecorder();
    const { events, counts } = machine.arena;
    events.timed = true;
    let missing = (): number => recorder.dropped;
    let collect = (): void => undefined;
    if (pool) {
      const tap = new EventTap(events, counts.harts);
      collect = () => recorder.take(tap.collect());
      missing = () => recorder.dropped + tap.lost;
    } else events.listener = (event) => recorder.take([event]);
    const limit = options.maxInstructions ?? Infinity;
    const interruption = new Interruption(streams);
    const stop = await runToEnd(machine, streams, limit, { collect }, interruption);
    interruption.close();
    collect();
    const say = (text: string): void => host.err(`hartscope: ${text}\n`);
    const status = conclude(machine, stop, say, interruption);
    const { time, clock } = recorder.now;
    return {
      machine,
      program: guest.file.name,
      recorder,
      status,
      total: pool ? time : clock,
      missing: missing(),
    };
  });
}
