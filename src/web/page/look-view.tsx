// A run at one cycle: the transport, each CPU's store buffer, the states of the lines that matter,
// what the buses carry and the disks do, what happened last and what comes next.
import { useEffect, useState } from "preact/hooks";
import { case001 } from "../../cases/001.ts";
import { onAllCpus } from "../../cases/case.ts";
import { bufferEntries, STATES } from "../../core/inspect.ts";
import { memoryNote } from "../../report/memory-model.ts";
import { CASE_SIDE, go, type Look, step, stepMark, stepWindow } from "./look.ts";
import { lineName, MachineLive } from "./machine-live.tsx";
import { codeOf } from "./made.ts";
import { TimelineView } from "./timeline-view.tsx";

const PLAY_MS = 400;
/** In the words of the protocol. */
const STATE_WORDS = ["not there", "shared", "exclusive", "modified"];

export function LookView({ look, side }: { look: Look; side: number }) {
  const { definition, spec, failure } = look;
  const ofCase = side === CASE_SIDE;
  const note = memoryNote(spec.memory);
  return (
    <article class="look" data-look={ofCase ? "case" : look.preset.name} aria-busy={look.busy}>
      <h3>
        {ofCase && `Case ${definition.id} on `}{look.preset.name}
        {onAllCpus(definition, spec.workload) ? "" : `, CPUs ${spec.pair.join(" and ")}`}
        , {codeOf(definition, spec)}, seed {String(spec.seed)}
        {note && `; ${note}`}
      </h3>
      {ofCase && <p>{failure ? `${failure.invariant}: ${failure.what}.` : "It did not fail."}</p>}
      <Transport look={look} side={side} />
      <Recorded look={look} />
      <MachineLive look={look} />
      <Buffers look={look} />
      <Lines look={look} />
      <Buses look={look} />
      <Disks look={look} />
      <Moments look={look} side={side} />
      <TimelineView look={look} side={side} />
    </article>
  );
}

function Transport({ look, side }: { look: Look; side: number }) {
  const [playing, setPlaying] = useState(false);
  const end = Number(look.result.cycles);
  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => void step(side, 1), PLAY_MS);
    return () => clearInterval(timer);
  }, [playing, side]);
  useEffect(() => {
    if (look.cycle >= end) setPlaying(false);
  }, [look.cycle]);
  const button = (label: string, title: string, act: () => unknown) => (
    <button type="button" title={title} aria-label={title} onClick={() => void act()}>
      {label}
    </button>
  );
  return (
    <div class="transport">
      <div class="buttons">
        {button("« mark", "to the mark before", () => stepMark(side, -1))}
        {button("◂◂", "a window back", () => stepWindow(side, -1))}
        {button("◂", "step back: the event before", () => step(side, -1))}
        {button(playing ? "stop" : "play", playing ? "stop" : "play", () => setPlaying(!playing))}
        {button("▸", "step: the next event", () => step(side, 1))}
        {button("▸▸", "a window on", () => stepWindow(side, 1))}
        {button("mark »", "to the next mark", () => stepMark(side, 1))}
        {look.failedAt !== undefined &&
          button("to the failure", "to the failure", () => go(side, look.failedAt!))}
        {button("end", "to the end", () => go(side, end))}
      </div>
      <label>
        <span>cycle <output data-cycle>{look.cycle}</output> of {end}</span>
        <input type="range" min="0" max={end} step={look.travel.windowCycles} value={look.cycle}
          aria-label={`cycle of ${look.preset.name}`}
          onInput={(event) => void go(side, event.currentTarget.valueAsNumber)} />
      </label>
      <p class="soft">
        state at boundary <span data-boundary>{String(look.boundary)}</span>:{" "}
        <code data-state>{look.hash.toString(16).padStart(16, "0")}</code>
      </p>
    </div>
  );
}

/** Where events are missing it is said. */
function Recorded({ look: { recorded: { from, to }, result, known } }: { look: Look }) {
  if (from === 0 && to >= Number(result.cycles)) return null;
  return (
    <p class={known ? "soft" : ""} data-recorded={`${from} ${to}`}>
      Events are recorded from cycle {from} to {to};
      {known ? " elsewhere" : " here"} there are states at window boundaries only.
    </p>
  );
}

/** Of the CPUs that the run is about; of those of a case that uses all, the others on demand. */
export function Buffers({ look }: { look: Look }) {
  const { frame, shown, definition, spec } = look;
  const others = frame.buffers.flatMap((stores, cpu) =>
    (stores.length && !shown.includes(cpu) ? [cpu] : []));
  const buffer = (cpu: number) => <Buffer key={cpu} look={look} cpu={cpu} />;
  const all = onAllCpus(definition, spec.workload);
  const apart = all && shown.length > 0 && others.length > 0;
  return (
    <section aria-label="Store buffers">
      <h4>Store buffers</h4>
      {apart ? shown.map(buffer) : [...shown, ...others].sort((a, b) => a - b).map(buffer)}
      {apart && (
        <details>
          <summary>stores of others wait, too: cpu {others.join(", ")}</summary>
          {others.map(buffer)}
        </details>
      )}
    </section>
  );
}

const ROLES = ["submits", "reaps"];

function Buffer({ look, cpu }: { look: Look; cpu: number }) {
  const { frame, names, travel, cycle, spec } = look;
  const stores = frame.buffers[cpu];
  const room = bufferEntries(travel.machine.view);
  const role = look.definition === case001 && ROLES[spec.pair.indexOf(cpu)];
  const where = look.cpus[cpu].where.replace(/^\S+ \((.*)\)$/, "$1");
  return (
    <div class="buffer" data-buffer={cpu}>
      <p>
        <b>cpu {cpu}</b>{role && ` ${role}`}, {stores.length} of {room}
        <span class="soft"> at {where}</span>
      </p>
      <ol class="cells" aria-label={`store buffer of cpu ${cpu}, oldest first`}>
        {stores.map(({ phys, issued, value, size }, i) => (
          <li key={`${i} ${issued}`} class="cell"
            title={`physical ${phys.toString(16)}, ${size} bytes, value ${value}`}>
            {names.data(phys)} <span class="age">{cycle - Number(issued)}</span>
          </li>
        ))}
        {stores.length === 0 && <li class="cell none">empty</li>}
      </ol>
    </div>
  );
}

export function Lines({ look }: { look: Look }) {
  const { frame } = look;
  const cpus = frame.buffers.map((_, cpu) => cpu);
  if (!frame.lines.size) return null;
  return (
    <section aria-label="Lines">
      <h4>Lines in the L1 data caches</h4>
      <div class="scroll" tabIndex={0}>
        <table class="lines">
          <thead><tr><th>line of</th>{cpus.map((cpu) => <th key={cpu}>cpu {cpu}</th>)}</tr></thead>
          <tbody>
            {[...frame.lines].map(([line, states]) => (
              <tr key={line} data-line={line}>
                <td>{lineName(look, line)}</td>
                {states.map((state, cpu) => (
                  <td key={cpu} class={`state state-${STATES[state]}`} title={STATE_WORDS[state]}>
                    {STATES[state]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Buses({ look: { buses, cycle, known } }: { look: Look }) {
  return (
    <section aria-label="Bus">
      <h4>On the bus</h4>
      {buses.length === 0 && (
        <p class="soft">{known ? "nothing" : "not recorded"}</p>
      )}
      <ul>
        {buses.map(({ bus, who, what, since, until }) => (
          <li key={`${bus} ${since}`}>
            bus {bus}: {what} for {who}, for {cycle - since} cycles, {until - cycle} to go
          </li>
        ))}
      </ul>
    </section>
  );
}

function Disks({ look: { disks, boundary } }: { look: Look }) {
  if (!disks.length) return null;
  return (
    <section aria-label="Disks">
      <h4>Commands under way on the disks, at boundary {String(boundary)}</h4>
      <ol class="cells">
        {disks.map((count, disk) => (
          <li key={disk} class={count ? "cell" : "cell none"} data-disk={disk}>
            disk {disk}: <span class="age">{count}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Moments({ look, side }: { look: Look; side: number }) {
  return (
    <section aria-label="Events">
      <h4>What happened, and what comes next</h4>
      <ol class="moments">
        {look.moments.map(({ cycle, who, letter, text, ahead }, i) => (
          <li key={i} class={ahead ? "soft" : ""}>
            <button type="button" class="plain" onClick={() => void go(side, cycle + 1)}>
              {cycle}
            </button>{" "}
            {who} {letter && <b>{letter} </b>}{text}
          </li>
        ))}
      </ol>
    </section>
  );
}
