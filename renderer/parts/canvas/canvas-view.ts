import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue';

/** Size of what is drawn, in CSS pixels. */
interface CanvasSize {
  readonly width: number;
  readonly height: number;
}

interface CanvasView {
  readonly size: Ref<CanvasSize>;
  /** Draws before the next frame; several wishes are one. */
  readonly redraw: () => void;
}

/**
 * A canvas that fills its box and is drawn anew, in device pixels, when the box's size or the theme changes.
 */
export function useCanvasView(
  box: Readonly<Ref<HTMLElement | null>>,
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  draw: (context: CanvasRenderingContext2D, element: HTMLCanvasElement) => void,
  { gutter = () => 0 }: { gutter?: () => number } = {},
): CanvasView {
  const size = ref<CanvasSize>({ width: 0, height: 0 });
  /** What is drawn does not follow the theme by itself. */
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  let frame = 0;
  let observer: ResizeObserver | null = null;

  function redraw(): void {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      const element = canvas.value;
      const context = element?.getContext('2d');
      if (!element || !context) return;
      const { width, height } = size.value;
      const ratio = window.devicePixelRatio;
      element.width = Math.round(width * ratio);
      element.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      draw(context, element);
    });
  }

  function measure(): void {
    const { clientWidth = 0, clientHeight = 0 } = box.value ?? {};
    size.value = { width: Math.max(0, clientWidth - gutter()), height: clientHeight };
  }

  onMounted(() => {
    observer = new ResizeObserver(measure);
    if (box.value) observer.observe(box.value);
    measure();
    scheme.addEventListener('change', redraw);
  });
  onBeforeUnmount(() => {
    scheme.removeEventListener('change', redraw);
    observer?.disconnect();
    cancelAnimationFrame(frame);
  });
  return { size, redraw };
}

/**
 * Colours of the theme's tokens as a canvas knows them: a custom property keeps `light-dark()` as it is, the colour of an
 * element is resolved.
 * @param probe an element that is not shown
 */
export const tokenColours =
  (probe: HTMLElement) =>
  (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
