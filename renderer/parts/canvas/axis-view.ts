import { computed, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { panned, zoomed, type AxisRange } from './axis-range';

const ZOOM_STEP = 1.3;
/** A pointer that has moved less than this has clicked, in CSS pixels. */
const CLICK = 4;

interface AxisOptions {
  readonly canvas: Readonly<Ref<HTMLCanvasElement | null>>;
  /** Width of the canvas, and where the axis ends; it begins at 0. */
  readonly width: () => number;
  readonly end: () => number;
  /** The chosen part, and what chooses another. */
  readonly range: () => AxisRange | null;
  readonly choose: (range: AxisRange | null) => void;
  /** Shift and the wheel scroll this. */
  readonly box: Readonly<Ref<HTMLElement | null>>;
}

interface AxisView {
  /** What is in sight; null: all. */
  readonly part: ShallowRef<AxisRange | null>;
  readonly inSight: ComputedRef<AxisRange>;
  readonly zoomIn: () => void;
  readonly zoomOut: () => void;
  readonly axisAt: (event: MouseEvent) => number;
  readonly wheeled: (event: WheelEvent) => void;
  readonly pressedPointer: (event: PointerEvent) => void;
  /** Whether the pointer drags. */
  readonly movedPointer: (event: PointerEvent) => boolean;
  /** Whether the pointer has clicked. */
  readonly releasedPointer: (event: PointerEvent) => boolean;
  readonly cancelPointer: () => void;
  /** Moves the window so that a place is in sight. */
  readonly bringIntoSight: (at: number) => void;
  /**
   * What the keys for the axis mean; undefined: nothing.
   * @param start where a part begins that is chosen by keys
   */
  readonly keyMeans: (event: KeyboardEvent, start: number) => (() => void) | undefined;
}

/** An axis that is zoomed, moved and of which a part is chosen, by wheel, pointer and keys. */
export function useAxisView(options: AxisOptions): AxisView {
  const part = shallowRef<AxisRange | null>(null);
  const inSight = computed<AxisRange>(
    () => part.value ?? { from: 0, to: Math.max(options.end(), 1e-3) },
  );
  let drag: { x: number; y: number; at: number; window: AxisRange; selects: boolean } | null = null;

  const width = (): number => Math.max(1, options.width());

  function axisAt(event: MouseEvent): number {
    const left = options.canvas.value?.getBoundingClientRect().left ?? 0;
    const { from, to } = inSight.value;
    return from + ((event.clientX - left) / width()) * (to - from);
  }

  function zoom(factor: number, centre?: number): void {
    const { from, to } = inSight.value;
    part.value = zoomed(inSight.value, centre ?? (from + to) / 2, factor, options.end());
  }

  /** Moves by a part of what is in sight. */
  function pan(by: number): void {
    const { from, to } = inSight.value;
    part.value = panned(inSight.value, by * (to - from), options.end());
  }

  /** Makes the chosen part longer or shorter at its end. */
  function extend(by: number, start: number): void {
    const { from, to } = inSight.value;
    const now = options.range() ?? { from: start, to: start };
    const next = Math.min(options.end(), Math.max(now.from, now.to + by * (to - from)));
    options.choose(next > now.from ? { from: now.from, to: next } : null);
  }

  return {
    part,
    inSight,
    zoomIn: () => zoom(1 / ZOOM_STEP),
    zoomOut: () => zoom(ZOOM_STEP),
    axisAt,
    wheeled(event) {
      const box = options.box.value;
      if (event.shiftKey && box) box.scrollTop += event.deltaY || event.deltaX;
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / width());
      else zoom(ZOOM_STEP ** Math.sign(event.deltaY), axisAt(event));
    },
    pressedPointer(event) {
      const { clientX: x, clientY: y, shiftKey: selects } = event;
      drag = { x, y, at: axisAt(event), window: inSight.value, selects };
      options.canvas.value?.setPointerCapture(event.pointerId);
    },
    movedPointer(event) {
      if (drag === null) return false;
      if (Math.abs(event.clientX - drag.x) < CLICK) return true;
      const at = axisAt(event);
      if (drag.selects) {
        options.choose({ from: Math.min(at, drag.at), to: Math.max(at, drag.at) });
      } else {
        const { from, to } = drag.window;
        const by = ((drag.x - event.clientX) / width()) * (to - from);
        part.value = panned(drag.window, by, options.end());
      }
      return true;
    },
    releasedPointer(event) {
      const moved = drag && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) >= CLICK;
      drag = null;
      return !moved;
    },
    cancelPointer: () => (drag = null),
    bringIntoSight(at) {
      const { from, to } = inSight.value;
      if (at < from || at > to) {
        part.value = panned(inSight.value, at - (from + to) / 2, options.end());
      }
    },
    keyMeans(event, start) {
      const { key, shiftKey } = event;
      const act: Readonly<Record<string, () => void>> = {
        '+': () => zoom(1 / ZOOM_STEP),
        '=': () => zoom(1 / ZOOM_STEP),
        '-': () => zoom(ZOOM_STEP),
        Home: () => (part.value = null),
        ArrowLeft: () => (shiftKey ? extend(-0.05, start) : pan(-0.1)),
        ArrowRight: () => (shiftKey ? extend(0.05, start) : pan(0.1)),
        Escape: () => options.choose(null),
      };
      return act[key];
    },
  };
}
