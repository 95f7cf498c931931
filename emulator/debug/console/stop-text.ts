import { describeLocation } from '../location';
import type { HartInfo, MachineState, StopReason } from '../protocol';
import type { SourcePlaceInfo, VariableInfo } from '../protocol-source';
import type { Context, Reply } from './console-types';

export const hexadecimal = (value: number | bigint): string => `0x${value.toString(16)}`;

/** `mp-dot.c:35`. */
export const placeText = ({ path, line }: SourcePlaceInfo): string =>
  `${path.slice(path.lastIndexOf('/') + 1)}:${line}`;

/** Why the machine stopped, in a few words. */
function reason(stop: StopReason): string {
  switch (stop.kind) {
    case 'entry':
      return 'Entry';
    case 'step':
      return 'Stopped';
    case 'pause':
      return 'Paused';
    case 'breakpoint':
      return `Breakpoint ${stop.id}`;
    case 'watch':
      return `Breakpoint ${stop.id}: ${stop.access} of ${hexadecimal(stop.place)} by ${describeLocation(stop.from)}, ${stop.before} → ${stop.after}`;
    case 'syscall':
      return `Breakpoint ${stop.id}: call ${stop.name}`;
    case 'event':
      return `Breakpoint ${stop.id}: ${stop.event}${stop.page > 0 ? ` of page ${hexadecimal(stop.page * 4096)}` : ''}`;
    case 'barrier':
      return `Barrier ${stop.id}: harts ${stop.harts.join(', ')} have come`;
    case 'fork':
      return `Task ${stop.task} has started ${stop.vcpus} vCPUs`;
    case 'blocked':
      return stop.message;
    case 'ebreak':
      return 'ebreak';
    case 'fault':
      return stop.message.startsWith(stop.signal)
        ? stop.message
        : `${stop.signal}: ${stop.message}`;
    case 'exited':
      return `The program has exited with status ${stop.status}`;
    case 'killed':
      return `The program was killed by ${stop.signal}`;
  }
}

export const isOver = ({ stop }: MachineState): boolean =>
  stop?.kind === 'exited' || stop?.kind === 'killed';

/** Where a hart is: `hart 3: work+0x10 at mp-dot.c:35`. */
export async function hartText(
  { requests }: Context,
  hart: HartInfo,
): Promise<{ readonly text: string; readonly place: SourcePlaceInfo | null }> {
  const place = await requests.lineAt(hart.location.address, hart.id);
  const at = place ? ` at ${placeText(place)}` : '';
  return { text: `hart ${hart.id}: ${describeLocation(hart.location)}${at}`, place };
}

/** What is said about a stop: why, where, the line or instruction there, and what is displayed. */
export async function stopReply(context: Context, state: MachineState): Promise<Reply> {
  const { stop = { kind: 'pause' } as const, stopHart } = state;
  if (stopHart !== undefined && stop.kind !== 'pause') context.hart = stopHart;
  const hart = state.harts.find(({ id }) => id === context.hart) ?? state.harts[0];
  if (isOver(state) || !hart) return { text: `${reason(stop)}.`, data: { stop } };
  context.hart = hart.id;
  context.frame = 0;
  context.listed = undefined;
  context.examined = context.disassembled = undefined;
  const { text, place } = await hartText(context, hart);
  const lines = [
    `${reason(stop)}, ${text}`.replace('., ', '. '),
    await codeLine(context, hart, place),
  ];
  const diverged = state.harts.filter((each) => each.diverged).map(({ id }) => id);
  if (diverged.length > 0) lines.push(`diverged: harts ${diverged.join(', ')}`);
  const shown = await displayed(context);
  return {
    text: [...lines, ...shown.map(({ line }) => line)].join('\n'),
    data: {
      stop,
      hart: hart.id,
      location: hart.location,
      ...(place && { path: place.path, line: place.line }),
      ...(diverged.length > 0 && { diverged }),
      ...(shown.length > 0 && { displays: shown.map(({ data }) => data) }),
    },
  };
}

/** The source line where it can be read, else the instruction. */
async function codeLine(
  { machine, requests }: Context,
  { id, location }: HartInfo,
  place: SourcePlaceInfo | null,
): Promise<string> {
  const lines = place ? await machine.readSource?.(place.path) : undefined;
  const line = place && lines?.[place.line - 1];
  if (place && line !== undefined) return `${place.line}\t${line}`;
  const [instruction] = await requests.disassemble(location.address, 0, 1, false, id);
  if (!instruction) return `=> ${hexadecimal(location.address)}`;
  const { mnemonic, operands } = instruction;
  return `=> ${hexadecimal(location.address)}: ${mnemonic} ${operands}`.trimEnd();
}

/** The expressions that are shown at each stop. */
export async function displayed(
  context: Context,
): Promise<{ line: string; data: Record<string, unknown> }[]> {
  const all = [];
  for (const [number, expression] of context.displays) {
    try {
      const { value } = await valueOf(context, expression);
      all.push({
        line: `${number}: ${expression} = ${value}`,
        data: { number, expression, value },
      });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      all.push({
        line: `${number}: ${expression}: ${problem}`,
        data: { number, expression, problem },
      });
    }
  }
  return all;
}

/** The value of an expression in the chosen frame. */
export const valueOf = ({ requests, hart, frame }: Context, text: string): Promise<VariableInfo> =>
  requests.evaluateInFrame(text, hart, frame);
