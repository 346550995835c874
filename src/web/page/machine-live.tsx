// A run at one cycle on the boxes of its machine: each CPU's store buffer, the states of the lines
// that matter most in the caches, what each bus carries, the commands of the disks.
import { useMemo } from "preact/hooks";
import { bufferEntries, hasPrivateL2, STATES } from "../../core/inspect.ts";
import type { Preset } from "../../machine/preset.ts";
import type { Look } from "./look.ts";
import { HEAD, packagesOf, PAD, type Placed } from "./machine-boxes.ts";

const CORE_WIDTH = 104;
/** Two fit a narrow page; of many they would be a tower. */
const columnsOf = ({ clusters }: Preset) =>
  (clusters.some(({ units }) => units.length > 8) ? 4 : 2);
const EDGE = 6;
const TEXT = 14;
const ROW_ENTRIES = 24;
const CELL = { height: 9, gap: 2 };
const LETTER = { width: 15, height: 14, gap: 2 };
const LINES_MAX = 2;
const NAME_CHARS = 13;
const LINE_SHIFT = 6;

/** What a line is called: the watched address in it. */
export function lineName({ names, watched }: Look, line: number): string {
  return names.data(watched.find((phys) => phys >>> LINE_SHIFT === line >>> LINE_SHIFT) ?? line);
}

/** What is drawn of a look in each of its boxes. */
interface Live {
  look: Look;
  room: number;
  /** The watched lines that are shown, with their names. */
  lines: { line: number; name: string }[];
  privateL2: boolean;
}

type Package = ReturnType<typeof packagesOf>[number];

const cellRows = (room: number) => Math.ceil(room / ROW_ENTRIES);
const threadHeight = (room: number) => 2 * TEXT + cellRows(room) * (CELL.height + CELL.gap);

export function MachineLive({ look }: { look: Look }) {
  const { preset, frame, travel } = look;
  const { view } = travel.machine;
  const room = bufferEntries(view);
  const lines = [...frame.lines.keys()].slice(0, LINES_MAX)
    .map((line) => ({ line, name: lineName(look, line) }));
  const packages = useMemo(() => packagesOf(preset, (threads) => ({
    width: CORE_WIDTH,
    height: threads.length * threadHeight(room) +
      lines.length * (LETTER.height + LETTER.gap) + EDGE,
  }), columnsOf(preset), 1), [preset, room, lines.length]);
  const live = { look, room, lines, privateL2: hasPrivateL2(view) };
  return (
    <figure class="live">
      <div class="packages">
        {packages.map((one) => <PackageLive key={one.what.index} live={live} box={one} />)}
      </div>
      <Buses look={look} />
    </figure>
  );
}

function PackageLive({ live, box: { width, height, what } }: { live: Live; box: Package }) {
  const level = live.privateL2 ? "L3" : "L2";
  return (
    <svg viewBox={`-1 -1 ${width + 2} ${height + 2}`} width={width} role="img"
      aria-label={sentenceOf(live, what)}>
      <rect class="box" width={width} height={height} rx="4" />
      <text x={PAD} y={HEAD - 3}>package {what.index}</text>
      {what.clusters.map(({ x, y, width, height, what: { cluster, cores } }) => (
        <g key={cluster} transform={`translate(${x},${y})`}>
          <rect class="cache" width={width} height={height} rx="3" />
          <text x={PAD} y={HEAD - 2}>{level}</text>
          <g transform={`translate(${PAD + 22},4)`} data-shared={cluster}>
            {live.lines.map(({ line, name }, i) => (
              <Letter key={line} x={i * (LETTER.width + LETTER.gap)} y={0} line={line}
                state={live.look.frame.shared.get(line)![cluster]} title={`${name} in the ${level}`}
              />
            ))}
          </g>
          {cores.map((core) => <CoreLive key={core.what[0]} live={live} box={core} />)}
        </g>
      ))}
    </svg>
  );
}

function CoreLive({ live, box }: { live: Live; box: Placed<readonly number[]> }) {
  const { look: { frame, shown }, room, lines, privateL2 } = live;
  const { x, y, width, height, what: threads } = box;
  const below = threads.length * threadHeight(room) + 2;
  const [cpu] = threads;
  const wide = privateL2 ? 2 : 1;
  return (
    <g transform={`translate(${x},${y})`} data-core={threads.join()}>
      <rect class={threads.some((one) => shown.includes(one)) ? "chosen" : "core"}
        width={width} height={height} rx="2" />
      {threads.map((one, i) => (
        <BufferLive key={one} live={live} cpu={one} y={i * threadHeight(room)} />
      ))}
      {lines.map(({ line, name }, i) => {
        const top = below + i * (LETTER.height + LETTER.gap);
        return (
          <g key={line}>
            <Letter x={EDGE} y={top} line={line} state={frame.lines.get(line)![cpu]}
              title={`${name} in the L1`} />
            {privateL2 && (
              <Letter x={EDGE + LETTER.width} y={top} line={line} title={`${name} in the L2`}
                state={frame.privates.get(line)![cpu]} />
            )}
            <text class="small" x={EDGE + wide * LETTER.width + 3} y={top + 11}>
              {short(name, NAME_CHARS + 1 - 2 * wide)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

interface LetterProps {
  x: number;
  y: number;
  line: number;
  state: number;
  title: string;
}

function Letter({ x, y, line, state, title }: LetterProps) {
  return (
    <g transform={`translate(${x},${y})`} data-letter={line}>
      <title>{title}: {STATES[state]}</title>
      <rect class={`letter state-${STATES[state]}`} width={LETTER.width - 1} rx="2"
        height={LETTER.height} />
      <text class="small" x={(LETTER.width - 1) / 2} y={11} text-anchor="middle">
        {STATES[state]}
      </text>
    </g>
  );
}

/** All entries as an outline, those that are taken as cells, the oldest first and with its name. */
function BufferLive({ live, cpu, y }: { live: Live; cpu: number; y: number }) {
  const { look: { frame, names, cycle }, room } = live;
  const stores = frame.buffers[cpu];
  const row = Math.ceil(room / cellRows(room));
  const pitch = (CORE_WIDTH - 2 * EDGE) / row;
  const place = (i: number) => ({
    x: EDGE + (i % row) * pitch,
    y: TEXT + 3 + Math.floor(i / row) * (CELL.height + CELL.gap),
  });
  const outline = useMemo(() => Array.from({ length: room }, (_, i) => {
    const at = place(i);
    return `M${at.x} ${at.y}h${pitch - 1}v${CELL.height}h${1 - pitch}z`;
  }).join(""), [room]);
  const said = stores.map(({ phys, issued }) => [names.data(phys), cycle - Number(issued)]);
  return (
    <g transform={`translate(0,${y})`} data-live={cpu}>
      <text class="small" x={EDGE} y={TEXT - 2}>cpu {cpu}</text>
      <text class="small" x={CORE_WIDTH - EDGE} y={TEXT - 2} text-anchor="end">
        {stores.length} of {room}
      </text>
      <path class="room" d={outline} />
      {said.map(([name, age], i) => (
        <rect key={`${i} ${stores[i].issued}`} class="waits" {...place(i)} width={pitch - 1}
          height={CELL.height} data-cell={`${name} ${age}`}>
          <title>{name} for {age} cycles</title>
        </rect>
      ))}
      {said.length > 0 && (
        <text class="small" x={EDGE} y={threadHeight(room) - 1}>
          {short(`${said[0][0]}`, NAME_CHARS - `${said[0][1]}`.length)} {said[0][1]}
        </text>
      )}
    </g>
  );
}

/** A member is told by the end of its name. */
const short = (name: string, chars: number) =>
  (name.length > chars ? `…${name.slice(1 - chars)}` : name);

/** The drawing of a package in words: what waits, and who has which line. */
function sentenceOf({ look, lines, privateL2 }: Live, { index, clusters }: Package["what"]) {
  const { frame, names, cycle } = look;
  const units = clusters.flatMap((cluster) => cluster.what.cores.map((core) => core.what));
  const waiting = units.flat().flatMap((cpu) => {
    const [oldest, ...more] = frame.buffers[cpu];
    if (!oldest) return [];
    const age = cycle - Number(oldest.issued);
    return [`cpu ${cpu}: ${more.length + 1}, the oldest to ${names.data(oldest.phys)} for ${age}`];
  });
  const held = lines.map(({ line, name }) => {
    const inside = (where: string, states: number[], at: number[]) => at.flatMap((i) =>
      (states[i] ? [`${STATES[states[i]]} in ${where} ${i}`] : []));
    const first = units.map(([cpu]) => cpu);
    const all = [
      ...inside("the L1 of cpu", frame.lines.get(line)!, first),
      ...privateL2 ? inside("the L2 of cpu", frame.privates.get(line)!, first) : [],
      ...inside("shared cache", frame.shared.get(line)!, clusters.map(({ what }) => what.cluster)),
    ];
    return `the line of ${name}: ${all.join(", ") || "not there"}`;
  });
  const stores = waiting.length ? `stores that wait, ${waiting.join("; ")}` : "no store waits";
  return `package ${index}: ${[stores, ...held].join("; ")}`;
}

/** Each bus with what it carries, and the disks behind the I/O hub. */
function Buses({ look: { preset, buses, disks, known } }: { look: Look }) {
  const all = [...preset.clusters, ...preset.homes].map(({ bus }) => bus);
  const numbers = [...new Set([...all, ...buses.map(({ bus }) => bus)])].sort((a, b) => a - b);
  return (
    <ul class="fabric" aria-label="Buses and disks">
      {numbers.map((number) => {
        const own = buses.filter(({ bus }) => bus === number);
        return (
          <li key={number} class={own.length ? "carries" : ""} data-bus={number}>
            bus {number}: {own.map(({ what, who }) => `${what}, ${who}`).join("; ") ||
              (known ? "idle" : "not recorded")}
          </li>
        );
      })}
      {disks.length > 0 && (
        <li class={disks.some(Boolean) ? "carries" : ""}>
          commands at {disks.length === 1 ? "the disk" : `disks 0 to ${disks.length - 1}`}:{" "}
          <span data-commands>{disks.join(" ")}</span>
        </li>
      )}
    </ul>
  );
}
