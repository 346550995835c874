// The litmus playground: the test's text, its fences, what was found, and how it comes about.
import { useMemo, useState } from "preact/hooks";
import iriw from "../../../workloads/litmus/IRIW.litmus?raw";
import lb from "../../../workloads/litmus/LB.litmus?raw";
import mp from "../../../workloads/litmus/MP.litmus?raw";
import r from "../../../workloads/litmus/R.litmus?raw";
import waitQueue from "../../../workloads/litmus/wait-queue.litmus?raw";
import type { Kind } from "../../machine/sites.ts";
import { fencesOf, gapsIn, wordsOf } from "./fences.ts";
import type { Found } from "./litmus-run.ts";
import {
  cancelled, cancelPlay, explored, found, play, playing, playTrouble, ran,
} from "./playground.ts";
import { type Asked, LITMUS_CHARACTERS_MAX, LITMUS_RUNS, MACHINES, SB } from "./state.ts";

export const EXAMPLES: Record<string, string> = {
  SB, MP: mp, LB: lb, R: r, IRIW: iriw, "wait-queue": waitQueue,
};

interface Props {
  asked: Asked;
  change(next: Asked): void;
}

export function PlaygroundView({ asked, change }: Props) {
  const text = asked.litmus || SB;
  const { litmusMachine: machine, litmusRuns: runs } = asked;
  const gaps = useMemo(() => gapsIn(text), [text]);
  const fences = fencesOf(gaps, asked.litmusFences);
  const write = (next: string) => {
    const litmus = next === SB ? "" : next.slice(0, LITMUS_CHARACTERS_MAX);
    change({ ...asked, litmus, litmusFences: "" });
  };
  const fence = (name: string, kind: Kind) => {
    const chosen = wordsOf(new Map(fences).set(name, kind));
    // In the order of the gaps, as a link gives it back.
    change({ ...asked, litmusFences: wordsOf(fencesOf(gaps, chosen)) });
  };
  const start = (engine: "explore" | "timing") =>
    void play(engine, { text, fences, machine, runs, seed: 1 });
  return (
    <section aria-label="Litmus" id="litmus">
      <h2>Litmus playground</h2>
      <p>
        Threads of a few instructions, and a question about how they may end. Explore goes through
        every interleaving and every drain of the store buffers that x86-TSO allows; run executes
        the threads on a machine, many times.
      </p>
      <div class="buttons">
        {Object.keys(EXAMPLES).map((name) => (
          <button key={name} type="button" class="other" onClick={() => write(EXAMPLES[name])}>
            {name}
          </button>
        ))}
      </div>
      <label>
        The test
        <textarea name="litmus" spellcheck={false} rows={12} value={text}
          maxLength={LITMUS_CHARACTERS_MAX}
          onInput={(event) => write(event.currentTarget.value)} />
      </label>
      {gaps.length > 0 && (
        <fieldset>
          <legend>Fences, behind an access</legend>
          {gaps.map(({ name, kinds }) => (
            <label key={name}>
              {name}
              <select value={fences.get(name) ?? "none"} data-gap={name}
                onChange={(event) => fence(name, event.currentTarget.value as Kind)}>
                {kinds.map((kind) => <option key={kind} value={kind}>{kind}</option>)}
              </select>
            </label>
          ))}
        </fieldset>
      )}
      <form onSubmit={(event) => event.preventDefault()}>
        <button type="button" disabled={playing.value} onClick={() => start("explore")}>
          Explore
        </button>
        <label>
          on
          <select value={machine} name="litmusMachine"
            onChange={(event) => change({ ...asked, litmusMachine: event.currentTarget.value })}>
            {MACHINES.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
        <label>
          times
          <select value={runs} name="litmusRuns" onChange={(event) => change({
            ...asked, litmusRuns: LITMUS_RUNS[event.currentTarget.selectedIndex],
          })}>
            {LITMUS_RUNS.map((count) => <option key={count} value={count}>{count}</option>)}
          </select>
        </label>
        <button type="button" disabled={playing.value} onClick={() => start("timing")}>
          Run it there
        </button>
        {playing.value && <button type="button" onClick={cancelPlay}>Cancel the run</button>}
        {playing.value && explored.value > 0 && (
          <output data-explored>{explored.value.toLocaleString("en")} machine states</output>
        )}
      </form>
      {ran.value && <Ran {...ran.value} />}
      {cancelled.value && (
        <p role="status">
          Cancelled after {explored.value.toLocaleString("en")} machine states: undecided.
        </p>
      )}
      {playTrouble.value && <p class="bad" role="alert">{playTrouble.value}</p>}
      {found.value && <Outcome key={found.value.model} outcome={found.value} />}
    </section>
  );
}

function Ran({ done, of }: { done: number; of: number }) {
  return (
    <div class="opening">
      <progress max={of} value={done} aria-label="runs of the test" />
      <p><span data-ran>{done}</span> of {of} runs</p>
    </div>
  );
}

function Outcome({ outcome }: { outcome: Found }) {
  const { title, states, counted, condition, verdict, model, bound, witness } = outcome;
  const most = Math.max(1, ...states.map(({ count }) => count));
  return (
    <div class="look" data-found>
      <h3>{title}</h3>
      <p>{verdict}</p>
      {bound && <p class="bad" data-bound>Incomplete: {bound}.</p>}
      <div class="scroll" tabIndex={0}>
        <table>
          <thead>
            <tr><th>final state</th><th>{counted ? "runs" : ""}</th><th>{condition}</th></tr>
          </thead>
          <tbody>
            {states.map(({ line, count, wanted }) => (
              <tr key={line} data-final={line}>
                <td><code>{line}</code></td>
                <td class="number">{counted && count}</td>
                <td>
                  {counted && <span class="bar" style={{ width: `${(count / most) * 8}rem` }} />}
                  {wanted && " ★"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="soft">{model}</p>
      {witness && <Witness rows={witness} />}
    </div>
  );
}

function Witness({ rows: [heads, ...rows] }: { rows: string[][] }) {
  const [at, setAt] = useState(rows.length);
  return (
    <>
      <h4>How it comes about</h4>
      <div class="buttons">
        <button type="button" disabled={at === 0} onClick={() => setAt(at - 1)}>
          Step back
        </button>
        <button type="button" disabled={at === rows.length} onClick={() => setAt(at + 1)}>
          Step on
        </button>
        <span class="soft">step {at} of {rows.length}</span>
      </div>
      <div class="scroll" tabIndex={0}>
        <table data-witness>
          <thead><tr>{heads.map((head, i) => <th key={i}>{head || "memory"}</th>)}</tr></thead>
          <tbody>
            {rows.map((cells, i) => (
              <tr key={i} class={i === at - 1 ? "now" : i >= at ? "ahead" : ""}>
                {cells.map((cell, column) => <td key={column}>{cell}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
