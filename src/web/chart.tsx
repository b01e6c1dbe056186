/**
 * A canvas over time that can be zoomed and panned, with a playhead and a place that is chosen. What it shows is drawn by its
 * owner. To assistive technology it is a slider whose value is the place and whose text is what is said of it.
 */
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Pen } from "./svg.ts";

/** What part of the time is seen. */
export interface View {
  readonly from: number;
  readonly to: number;
}

export interface Surface {
  readonly context: Pen;
  readonly width: number; // CSS pixels
  readonly height: number;
  readonly left: number; // of the part that shows time
  readonly view: View;
  x(time: number): number;
  colour(name: string): string; // a custom property of the page's style
}

/** What a chart shows now, to be drawn elsewhere too. */
export interface Drawing {
  readonly height: number;
  colour(name: string): string;
  draw(pen: Pen, width: number): void;
}

interface Props {
  readonly label: string;
  readonly height: number;
  readonly left: number; // pixels beside the time, such as for a keyboard
  readonly range: View;
  readonly view: View;
  onView(view: View): void;
  draw(surface: Surface): void;
  /** Takes what is shown, for a picture. */
  readonly drawing: RefObject<Drawing | null>;
  /** Where the playhead is; asked for in every frame while `isMoving`. */
  playhead(): number;
  readonly isMoving: boolean;
  readonly steps: number; // places that arrow keys go through
  readonly step: number | null;
  readonly text: string; // of the place
  onStep(step: number): void;
  onToggle(): void; // of the playback
  /** A point was hovered (`isFirm` false) or pressed; y in pixels from the top. */
  onPoint(time: number, y: number, isFirm: boolean): void;
}

const MIN_SPAN = 1;

/** The view with a span around a centre, within the range. */
export function zoomed(view: View, range: View, factor: number, centre = (view.from + view.to) / 2): View {
  const span = Math.min(range.to - range.from, Math.max(MIN_SPAN, (view.to - view.from) * factor));
  const share = (centre - view.from) / (view.to - view.from || 1);
  return moved({ from: centre - share * span, to: centre + (1 - share) * span }, range, 0);
}

/** The view moved by a time, within the range. */
export function moved({ from, to }: View, range: View, by: number): View {
  const span = Math.min(to - from, range.to - range.from);
  const start = Math.min(Math.max(from + by, range.from), range.to - span);
  return { from: start, to: start + span };
}

export function Chart(props: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;

  const layer = useRef<HTMLCanvasElement | null>(null); // all but the playhead, which moves at each frame

  const paint = () => {
    if (!canvas.current) return;
    layer.current ??= document.createElement("canvas");
    paintOn(layer.current, canvas.current, latest.current);
    paintPlayhead(layer.current, canvas.current, latest.current);
  };
  useEffect(() => {
    paint();
    const { current } = canvas;
    props.drawing.current = current && {
      height: props.height,
      get colour() {
        return colourOn(current);
      },
      draw: (pen, width) => drawOn(pen, width, colourOn(current), latest.current),
    };
  });
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const observer = new ResizeObserver(paint);
    if (canvas.current) observer.observe(canvas.current);
    dark.addEventListener("change", paint);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", paint);
    };
  }, []);
  useEffect(() => {
    if (!props.isMoving) return;
    let request = requestAnimationFrame(function next() {
      follow(latest.current);
      if (layer.current && canvas.current) paintPlayhead(layer.current, canvas.current, latest.current);
      request = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(request);
  }, [props.isMoving]);

  const timeAt = (event: MouseEvent) => {
    const { view, left } = latest.current;
    const { x, width } = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
    return view.from + ((event.clientX - x - left) / (width - left)) * (view.to - view.from);
  };
  const yAt = (event: MouseEvent) => event.clientY - (canvas.current as HTMLCanvasElement).getBoundingClientRect().y;

  useEffect(() => {
    const target = canvas.current;
    // Not passive, so that it can keep the page from scrolling; a wheel without a modifier key scrolls the page as ever.
    const wheel = (event: WheelEvent) => {
      const { view, range, onView } = latest.current;
      const isZoom = event.ctrlKey || event.metaKey;
      if (!isZoom && Math.abs(event.deltaX) <= Math.abs(event.deltaY) && !event.shiftKey) return;
      event.preventDefault();
      const delta = event.deltaX || event.deltaY;
      if (isZoom) onView(zoomed(view, range, Math.exp(event.deltaY / 300), timeAt(event)));
      else onView(moved(view, range, (delta / (target?.clientWidth ?? 1)) * (view.to - view.from)));
    };
    target?.addEventListener("wheel", wheel, { passive: false });
    return () => target?.removeEventListener("wheel", wheel);
  }, []);

  // Where nothing has the focus that has a use of its own for them, playback and steps are for the chart.
  useEffect(() => {
    const forward = (event: KeyboardEvent) => {
      const { target } = event;
      const isFree = target === document.body;
      const isButton = target instanceof HTMLButtonElement && event.key !== " ";
      const isMeant = event.key === " " || event.key === "ArrowLeft" || event.key === "ArrowRight";
      if (isMeant && (isFree || isButton) && press(event, latest.current)) event.preventDefault();
    };
    document.addEventListener("keydown", forward);
    return () => document.removeEventListener("keydown", forward);
  }, []);

  const drag = useRef<{ readonly x: number; readonly view: View; isMoved: boolean } | null>(null);
  const { label, height, steps, step, text } = props;
  return (
    <div
      class="chart"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, steps - 1)}
      aria-valuenow={step ?? 0}
      aria-valuetext={text || "nothing chosen"}
      onKeyDown={(event) => {
        if (press(event, latest.current)) event.preventDefault();
      }}
    >
      <canvas
        ref={canvas}
        style={{ height: `${height}px` }}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, view: latest.current.view, isMoved: false };
          canvas.current?.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const { range, onView, onPoint } = latest.current;
          const { current } = drag;
          if (!current) return event.pointerType === "mouse" ? onPoint(timeAt(event), yAt(event), false) : undefined;
          const by = current.x - event.clientX;
          if (Math.abs(by) > 4) current.isMoved = true;
          if (!current.isMoved) return;
          const width = (canvas.current?.clientWidth ?? 1) - latest.current.left;
          onView(moved(current.view, range, (by / width) * (current.view.to - current.view.from)));
        }}
        onPointerUp={(event) => {
          if (drag.current && !drag.current.isMoved) latest.current.onPoint(timeAt(event), yAt(event), true);
          drag.current = null;
        }}
        onPointerCancel={() => {
          drag.current = null;
        }}
      />
    </div>
  );
}

/** Does what a key is for. @returns whether it is for anything */
function press(event: KeyboardEvent, { view, range, steps, step, onView, onStep, onToggle }: Props): boolean {
  const go: Record<string, () => void> = {
    ArrowRight: () => onStep(Math.min(steps - 1, (step ?? -1) + 1)),
    ArrowLeft: () => onStep(Math.max(0, (step ?? 1) - 1)),
    Home: () => onStep(0),
    End: () => onStep(steps - 1),
    PageDown: () => onView(moved(view, range, (view.to - view.from) / 2)),
    PageUp: () => onView(moved(view, range, (view.from - view.to) / 2)),
    "+": () => onView(zoomed(view, range, 1 / 1.5)),
    "=": () => onView(zoomed(view, range, 1 / 1.5)),
    "-": () => onView(zoomed(view, range, 1.5)),
    "0": () => onView(range),
    " ": onToggle,
  };
  if (!go[event.key] || event.ctrlKey || event.metaKey || event.altKey) return false;
  go[event.key]();
  return true;
}

/** Turns the page when the playhead leaves the view. */
function follow({ playhead, view, range, onView }: Props): void {
  const at = playhead();
  if (at < view.from || at > view.to) onView(moved(view, range, at - view.from));
}

/** Of the page's style as it is when it is first asked for each. */
function colourOn(element: Element): Surface["colour"] {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  return (name) => {
    const colour = known.get(name) ?? style.getPropertyValue(`--${name}`);
    known.set(name, colour);
    return colour;
  };
}

/** Draws all but the playhead. */
function drawOn(context: Pen, width: number, colour: Surface["colour"], { draw, height, left, view }: Props): void {
  const x = (time: number) => left + ((time - view.from) / (view.to - view.from)) * (width - left);
  draw({ context, width, height, left, view, x, colour });
}

/** Draws all but the playhead at the resolution of the screen. */
function paintOn(layer: HTMLCanvasElement, canvas: HTMLCanvasElement, props: Props): void {
  const width = canvas.clientWidth;
  const scale = devicePixelRatio;
  const [columns, rows] = [Math.round(width * scale), Math.round(props.height * scale)];
  for (const each of [layer, canvas]) {
    if (each.width !== columns || each.height !== rows) [each.width, each.height] = [columns, rows];
  }
  const context = layer.getContext("2d");
  if (!context || width === 0) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, props.height);
  drawOn(context, width, colourOn(canvas), props);
}

function paintPlayhead(layer: HTMLCanvasElement, canvas: HTMLCanvasElement, props: Props): void {
  const { height, left, view, playhead } = props;
  const context = canvas.getContext("2d");
  if (!context || layer.width === 0) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(layer, 0, 0);
  const scale = devicePixelRatio;
  const width = canvas.width / scale;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const at = left + ((playhead() - view.from) / (view.to - view.from)) * (width - left);
  if (at < left || at > width) return;
  context.fillStyle = colourOn(canvas)("ink");
  context.fillRect(at - 0.75, 0, 1.5, height);
  context.beginPath();
  context.moveTo(at - 5, 0);
  context.lineTo(at + 5, 0);
  context.lineTo(at, 7);
  context.fill();
}
