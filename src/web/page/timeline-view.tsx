// The timeline of a run on a canvas: the wheel or + and - zoom, dragging or the arrows move it, a
// click goes to that cycle.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Legend } from "./legend.tsx";
import { go, type Look } from "./look.ts";
import {
  COLOURS, type Colours, draw, isWhole, LEFT, type Range, ROW, signsOf, tracksOf, within, zoom,
} from "./timeline.ts";

const DRAG_PIXELS = 4;
const DARK = "(prefers-color-scheme: dark)";

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const { buffer, mark, address, data, unknown, cursor } = COLOURS;
  return {
    text: of("text"), soft: of("soft"), edge: of("edge"), unknown: of(unknown),
    cursor: of(cursor),
    kinds: { buffer: of(buffer), mark: of(mark), address: of(address), data: of(data) },
  };
}

export function TimelineView({ look, side }: { look: Look; side: number }) {
  const { travel, preset, cycle } = look;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tracks = useMemo(() => tracksOf(travel.records, preset), [travel]);
  const end = Number(travel.result.cycles);
  const recorded = { from: look.recorded.from, to: Math.min(end, look.recorded.to) };
  const all = { from: 0, to: end };
  const near = within({ from: cycle - 600, to: cycle + 600 }, all);
  const [range, setRange] = useState<Range>(near);
  const [width, setWidth] = useState(600);
  // A picture is not drawn anew by itself when the colours of the page change.
  const [dark, setDark] = useState(() => matchMedia(DARK).matches);
  const height = Math.max(1, tracks.length) * ROW;

  useEffect(() => setRange(near), [travel]);
  useEffect(() => {
    if (cycle >= range.from && cycle <= range.to) return;
    const half = (range.to - range.from) / 2;
    setRange(within({ from: cycle - half, to: cycle + half }, all));
  }, [cycle]);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => setWidth(contentRect.width));
    observer.observe(canvas.current!.parentElement!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const scheme = matchMedia(DARK);
    const follow = () => setDark(scheme.matches);
    scheme.addEventListener("change", follow);
    return () => scheme.removeEventListener("change", follow);
  }, []);
  useEffect(() => {
    const element = canvas.current!;
    const scale = devicePixelRatio || 1;
    element.width = width * scale;
    element.height = height * scale;
    const context = element.getContext("2d")!;
    context.scale(scale, scale);
    draw(context, width, tracks, range, recorded, cycle, coloursOf(element));
  }, [tracks, range, cycle, width, dark]);

  const cycleAt = (x: number) =>
    range.from + (Math.max(0, x - LEFT) / (width - LEFT)) * (range.to - range.from);
  const move = (cycles: number) =>
    setRange(within({ from: range.from + cycles, to: range.to + cycles }, all));
  const press = (event: PointerEvent) => {
    const element = canvas.current!;
    const [start, begun] = [event.clientX, range];
    const perPixel = (begun.to - begun.from) / (width - LEFT);
    const drag = ({ clientX }: PointerEvent) => {
      const shift = (start - clientX) * perPixel;
      setRange(within({ from: begun.from + shift, to: begun.to + shift }, all));
    };
    const end = new AbortController();
    const { signal } = end;
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", drag, { signal });
    // A finger that scrolls the page has let go of the timeline.
    element.addEventListener("pointercancel", () => end.abort(), { signal });
    element.addEventListener("pointerup", ({ clientX }) => {
      end.abort();
      if (Math.abs(clientX - start) >= DRAG_PIXELS) return;
      void go(side, cycleAt(clientX - element.getBoundingClientRect().left));
    }, { signal });
  };
  const key = (event: KeyboardEvent) => {
    const cycles = range.to - range.from;
    const done = {
      "+": () => setRange(zoom(range, 0.5, cycle, all)),
      "-": () => setRange(zoom(range, 2, cycle, all)),
      ArrowLeft: () => move(-cycles / 4),
      ArrowRight: () => move(cycles / 4),
    }[event.key];
    if (!done) return;
    event.preventDefault();
    done();
  };
  return (
    <div class="timeline">
      <div class="buttons">
        <button type="button" onClick={() => setRange(recorded)}>
          {isWhole(recorded, end) ? "Whole run" : "All that is recorded"}
        </button>
        <button type="button" onClick={() => setRange(near)}>Around here</button>
        <button type="button" aria-label="zoom in"
          onClick={() => setRange(zoom(range, 0.5, cycle, all))}>+</button>
        <button type="button" aria-label="zoom out"
          onClick={() => setRange(zoom(range, 2, cycle, all))}>−</button>
        <span class="soft" data-range>
          cycles {Math.round(range.from)} to {Math.round(range.to)}
        </span>
      </div>
      <div class="canvas">
        <canvas ref={canvas} role="img" tabIndex={0} style={{ width: "100%", height }}
          data-records={travel.records.count}
          aria-label={`Timeline of ${preset.name}: store buffers, marks and buses over cycles`}
          onPointerDown={press} onKeyDown={key}
          onWheel={(event) => {
            if (!event.ctrlKey && document.activeElement !== canvas.current) return;
            event.preventDefault();
            setRange(zoom(range, event.deltaY > 0 ? 1.5 : 1 / 1.5, cycleAt(event.offsetX), all));
          }} />
      </div>
      <Legend signs={signsOf(tracks, isWhole(recorded, end))} />
    </div>
  );
}
