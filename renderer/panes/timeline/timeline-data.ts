import { onBeforeUnmount, shallowRef, watch, type ShallowRef } from 'vue';
import type { EventColumns } from '../../../emulator/debug/protocol-timeline';
import { useLog } from '../../stores/log';
import { useMachine } from '../../stores/machine';
import { useView } from '../../stores/view';
import { usePaneRevision } from '../pane-revision';
import { joined } from './event-columns';
import { layoutTimeline, type Timeline } from './timeline-layout';

const POLL_MS = 250;
/** While the guest runs the pane takes at most one part in so many of the time. */
const SHARE = 8;

const NO_EVENTS: EventColumns = {
  kinds: [],
  number: new Uint32Array(0),
  kind: new Uint8Array(0),
  hart: new Uint16Array(0),
  page: new Uint32Array(0),
  from: new Uint32Array(0),
  to: new Uint32Array(0),
  forked: new Int32Array(0),
  pc: new Float64Array(0),
  time: new Float64Array(0),
  took: new Float32Array(0),
  next: 0,
  lost: 0,
};

interface TimelineData {
  readonly timeline: ShallowRef<Timeline>;
  /** Events that were overwritten before anybody looked. */
  readonly lost: ShallowRef<number>;
}

/** The open machine's events as a timeline; goes on with each stop, and while the guest runs and the pane is shown. */
export function useTimelineData(forget: () => void): TimelineData {
  const machine = useMachine();
  const view = useView();
  const { revision } = usePaneRevision('timeline');
  const log = useLog();
  const timeline = shallowRef(layoutTimeline(NO_EVENTS));
  const lost = shallowRef(0);
  /** Counts programs: an answer of one that is gone is not taken. */
  let program = 0;
  let asking = false;
  let missed = false;
  let polling: ReturnType<typeof setTimeout> | undefined;

  async function fetch(): Promise<void> {
    if (machine.phase !== 'open' || !view.isInSight('timeline')) return;
    missed = asking;
    if (missed) return;
    const asked = program;
    asking = true;
    try {
      const news = await machine.requests().timeline(timeline.value.columns.next);
      if (asked === program) take(news);
    } catch (error) {
      if (machine.phase === 'open') log.fail(error);
    } finally {
      asking = false;
    }
    if (missed) await fetch();
  }

  function take(news: EventColumns): void {
    lost.value = news.lost;
    if (news.number.length === 0) return;
    timeline.value = layoutTimeline(joined(timeline.value.columns, news));
  }

  watch(
    () => [revision.value, machine.phase] as const,
    ([, phase]) => {
      if (phase === 'none' || phase === 'opening') {
        program++;
        timeline.value = layoutTimeline(NO_EVENTS);
        lost.value = 0;
        forget();
      } else void fetch();
    },
    { immediate: true },
  );
  watch(
    () => machine.busy,
    (busy) => {
      clearTimeout(polling);
      if (busy) void poll();
    },
  );
  async function poll(): Promise<void> {
    const begun = performance.now();
    await fetch();
    const pause = Math.max(POLL_MS, SHARE * (performance.now() - begun));
    clearTimeout(polling);
    if (machine.busy) polling = setTimeout(() => void poll(), pause);
  }
  onBeforeUnmount(() => clearTimeout(polling));

  return { timeline, lost };
}
