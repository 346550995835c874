// Charts as SVG that stands alone: panels of lines or points with axes. Text is escaped, colours
// follow the reader's light or dark scheme, series differ in shape, too.

export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** Points are joined unless false. */
  joined?: boolean;
  /** What a reader sees on pointing at each point. */
  titles?: readonly string[];
}

export interface Axis {
  label: string;
  /** Where the axis is marked, and how; without it at round numbers from 0 on. */
  ticks?: readonly (readonly [at: number, text: string])[];
}

export interface Panel {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
}

const WIDTH = 300;
const HEIGHT = 230;
const PLOT = { left: 52, right: 12, top: 28, bottom: 42 };
const HEAD = 34;
const LEGEND_LINE = 18;
const COLOURS = ["#4269d0", "#d9480f", "#2b8a3e", "#9c36b5", "#a06b00", "#0b7285", "#c2255c"];
/** Paths around 0,0. */
const SHAPES = [
  "M-3,-3h6v6h-6z", "M0,-4l4,7h-8z", "M-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0", "M0,-4l4,4l-4,4l-4,-4z",
  "M0,4l4,-7h-8z", "M-4,-1h3v-3h2v3h3v2h-3v3h-2v-3h-3z", "M-4,-4l8,8m0,-8l-8,8",
];
const STYLE = "text{font:11px system-ui,sans-serif;fill:#222}.axis{stroke:#888;fill:none}" +
  ".grid{stroke:#8883}.line{fill:none;stroke-width:1.5}.head{font-weight:600;font-size:13px}" +
  "@media(prefers-color-scheme:dark){text{fill:#ddd}svg{background:#111}}";

/** For text and attributes of XML. */
export const escaped = (text: string) =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
const number = (value: number) => String(Math.round(value * 100) / 100);

/** Round numbers from 0 to at least `max`, some five of them. */
export function roundTicks(max: number): [number, string][] {
  const rough = Math.max(max, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  const count = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, i) => [i * step, number(i * step)]);
}

function text(x: number, y: number, what: string, more = ""): string {
  return `<text x="${number(x)}" y="${number(y)}"${more}>${escaped(what)}</text>`;
}

const MIDDLE = ' text-anchor="middle"';
const END = ' text-anchor="end"';

function panelBody({ title, x, y, series }: Panel, names: readonly string[]): string[] {
  const all = series.flatMap(({ points }) => points);
  const ticksOf = (axis: Axis, values: number[]) =>
    axis.ticks ?? roundTicks(Math.max(0, ...values));
  const xTicks = ticksOf(x, all.map(([value]) => value));
  const yTicks = ticksOf(y, all.map(([, value]) => value));
  const [right, bottom] = [WIDTH - PLOT.right, HEIGHT - PLOT.bottom];
  const scale = (ticks: Axis["ticks"], from: number, to: number) => {
    const [low, high] = [ticks![0][0], ticks!.at(-1)![0]];
    return (value: number) => from + ((value - low) / (high - low || 1)) * (to - from);
  };
  const across = scale(xTicks, PLOT.left, right);
  const up = scale(yTicks, bottom, PLOT.top);
  return [
    text(PLOT.left, 16, title),
    ...yTicks.flatMap(([at, label]) => [
      `<path class="grid" d="M${PLOT.left},${number(up(at))}H${right}"/>`,
      text(PLOT.left - 6, up(at) + 4, label, END),
    ]),
    ...xTicks.map(([at, label]) => text(across(at), bottom + 15, label, MIDDLE)),
    `<path class="axis" d="M${PLOT.left},${PLOT.top}V${bottom}H${right}"/>`,
    text((PLOT.left + right) / 2, HEIGHT - 10, x.label, MIDDLE),
    `<g transform="translate(12,${(PLOT.top + bottom) / 2}) rotate(-90)">` +
      `${text(0, 0, y.label, MIDDLE)}</g>`,
    ...series.flatMap((one) => seriesBody(one, names.indexOf(one.name), across, up)),
  ];
}

type Scale = (value: number) => number;

function seriesBody({ points, joined, titles }: Series, index: number, across: Scale, up: Scale) {
  const colour = COLOURS[index % COLOURS.length];
  const places = points.map(([px, py]) => `${number(across(px))},${number(up(py))}`);
  const marks = places.map((place, i) => {
    const title = titles ? `<title>${escaped(titles[i])}</title>` : "";
    return `<path d="${SHAPES[index % SHAPES.length]}" transform="translate(${place})" ` +
      `fill="${colour}" stroke="${colour}">${title}</path>`;
  });
  if (joined === false) return marks;
  return [`<path class="line" stroke="${colour}" d="M${places.join("L")}"/>`, ...marks];
}

/** Panels in rows of `columns` under a heading, with one legend for all. */
export function chart(heading: string, panels: readonly Panel[], columns: number): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const across = Math.min(columns, panels.length);
  const width = across * WIDTH;
  const perLine = Math.max(1, Math.floor(width / (WIDTH / 2)));
  const legendTop = HEAD + Math.ceil(panels.length / across) * HEIGHT;
  const height = legendTop + Math.ceil(names.length / perLine) * LEGEND_LINE + 8;
  const legend = names.flatMap((name, i) => {
    const [x, y] = [(i % perLine) * (WIDTH / 2) + 16, Math.floor(i / perLine) * LEGEND_LINE + 10];
    const colour = COLOURS[i % COLOURS.length];
    const place = `transform="translate(${x},${legendTop + y - 4})"`;
    return [
      `<path d="${SHAPES[i % SHAPES.length]}" ${place} fill="${colour}" stroke="${colour}"/>`,
      text(x + 12, legendTop + y, name),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
      `height="${height}" role="img" aria-label="${escaped(heading)}">`,
    `<style>${STYLE}</style>`,
    text(16, 20, heading, ' class="head"'),
    ...panels.flatMap((panel, i) => {
      const [x, y] = [(i % across) * WIDTH, HEAD + Math.floor(i / across) * HEIGHT];
      return [`<g transform="translate(${x},${y})">`, ...panelBody(panel, names), "</g>"];
    }),
    ...legend, "</svg>", "",
  ].join("\n");
}
