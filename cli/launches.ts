/** `hartscope profile --launches`: runs a program and tells how its vCPUs worked together. */
import type { Machine } from '../emulator';
import { launchSharing } from '../emulator/debug/launch-sharing';
import { describeAddress } from '../emulator/elf/symbols';
import { EventTap } from '../emulator/profile/event-tap';
import { perfettoTrace } from '../emulator/profile/formats/perfetto';
import type { LaunchUnit, OneHart } from '../emulator/profile/launch';
import { LaunchRecorder } from '../emulator/profile/launch-recorder';
import { launchText, reportLaunches, type LaunchReport } from '../emulator/profile/launch-report';
import { launchTrace } from '../emulator/profile/launch-trace';
import { launchIn } from '../emulator/profile/launch-view';
import { withGuest, type GuestOptions } from './guest-options';
import { conclude, runToEnd, silent } from './guest-run';
import type { Host, HostStreams } from './host';
import { Interruption } from './interruption';
import type { OutputFile } from './output-file';
import { choosePool } from './pool';
import { launchSharingText } from './race-report';

export interface LaunchOptions extends GuestOptions {
  /** Host time on the pool's threads; else instructions, in turns on one thread. */
  readonly hostTime?: boolean;
  /** Arguments of a run that does the same on one vCPU. */
  readonly oneHart?: string;
  /** Tells what vCPUs shared falsely; harts take turns on one thread then. */
  readonly raceCheck?: boolean;
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
      options.json === true
        ? `${JSON.stringify(withSharing(machine, recorder, report))}\n`
        : launchText(report, options.top) + sharingOfLongest(machine, recorder, report, options),
    );
    file?.write(perfettoTrace(launchTrace(program, launches, unit, nameOf)));
    machine.dispose();
    return status;
  } finally {
    streams.close();
  }
}

/** The report, each launch with what its harts shared falsely, where that was looked for. */
function withSharing(
  { races }: Machine,
  { launches }: LaunchRecorder,
  report: LaunchReport,
): object {
  if (!races) return report;
  return {
    ...report,
    launches: report.launches.map((launch, i) => ({
      ...launch,
      falseSharing: launchSharing(launches[i], report.unit, races.falseSharing),
    })),
  };
}

/** The same in words, of the launch that the report tells more of. */
function sharingOfLongest(
  machine: Machine,
  { launches }: LaunchRecorder,
  { unit, launches: told }: LaunchReport,
  { top }: LaunchOptions,
): string {
  const { races } = machine;
  const longest = told.reduce(
    (best, { duration }, i) => (duration > told[best].duration ? i : best),
    0,
  );
  const record = launches[longest];
  if (!races || record === undefined) return '';
  const sharing = launchSharing(record, unit, races.falseSharing);
  return launchSharingText(machine, record.task, sharing, top);
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
    const { machine, recorder } = await run(
      host,
      name,
      args,
      { ...options, env, raceCheck: false },
      streams,
    );
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
  const isRaceChecked = options.raceCheck === true;
  const isThreaded = options.hostTime === true && !isRaceChecked;
  const pool = isThreaded ? choosePool(options.threads) : undefined;
  return withGuest(name, options, async (guest) => {
    const machine = guest.createMachine({
      ...guest.machineOptions(args, streams),
      ...(pool && { pool }),
      ...(isRaceChecked && { raceCheck: true }),
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
      total: options.hostTime === true ? time : clock,
      missing: missing(),
    };
  });
}
