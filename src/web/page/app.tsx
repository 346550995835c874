// The form, the two machines, and why the first run hung.
import { useEffect, useRef } from "preact/hooks";
import { case001 } from "../../cases/001.ts";
import { explainLostWakeup } from "../../report/lost-wakeup.ts";
import { CasesView } from "./cases-view.tsx";
import {
  cancel, compare, running, runsInside, show, sides, trouble,
} from "./compare.ts";
import { CASE_SIDE, closeLooks, looks, lookTrouble, open, opening } from "./look.ts";
import { LinkView } from "./link-view.tsx";
import { LookView } from "./look-view.tsx";
import { codeOf, comparedForm } from "./made.ts";
import { MachinePanel } from "./machine-panel.tsx";
import { OpeningView } from "./opening-view.tsx";
import { NOWHERE, type Place, placeNow, restore } from "./place.ts";
import { PlaygroundView } from "./playground-view.tsx";
import { LIMITS, MACHINES, MODELS, VARIANTS, WORKLOADS, type Asked } from "./state.ts";
import { StoryView } from "./story-view.tsx";
import { closeTour, starting, startTour, tour } from "./tour.ts";
import { TourView } from "./tour-view.tsx";

interface Props {
  asked: Asked;
  change(next: Asked): void;
}

/** A browser allows some hundred changes of the address in half a minute. */
const SETTLED_MS = 400;

export function App({ asked, visit, change }: Props & { visit: number }) {
  useEffect(() => {
    closeLooks();
    closeTour();
    lookTrouble.value = "";
    if (!running.value) void show(asked);
  }, [asked.left, asked.right, asked.workload]);
  useEffect(() => void restore(asked), [visit]);
  return (
    <main>
      <Address asked={asked} change={change} />
      <LinkView />
      <h1>One binary, two machines</h1>
      <p>
        Linux's <code>aio_complete()</code> stores the ring's tail and then looks whether anybody
        waits; <code>io_getevents()</code> joins the wait queue and then looks at the tail. Until
        2008 no barrier stood between the store and the look. Here the machine code of both runs on
        two emulated machines: on one with separate caches it hangs, where two cores share a cache
        it does not.
      </p>
      <p>
        New here?{" "}
        <button type="button" class="plain" onClick={takeTour}>Take the guided tour</button>
        {" "}of a run that hangs; or run both machines and see. Cycles are those of an in-order
        approximation: one operation a cycle, no speculation, no prefetchers.
      </p>
      {!crossOriginIsolated && (
        <p class="soft" data-alone>
          This host does not isolate the page, so machines run on one thread, and slower; their
          states are the same.
        </p>
      )}
      <Form asked={asked} change={change} />
      <p class="soft">
        {asked.workload}: {case001.workloads[asked.workload]}. {asked.variant}:
        {" "}{case001.describeVariant(case001.variantOf(asked.variant))}.
      </p>
      {trouble.value && <p class="bad" role="alert">{trouble.value}</p>}
      <section aria-label="Machines" class="machines">
        {sides.value.map((side, i) => (
          <MachinePanel key={i} side={side} form={comparedForm(asked)} />
        ))}
      </section>
      <Story />
      {lookTrouble.value && <p class="bad" role="alert">{lookTrouble.value}</p>}
      <TourView />
      <Inside asked={asked} />
      <CasesView asked={asked} change={change} />
      <PlaygroundView asked={asked} change={change} />
    </main>
  );
}

function takeTour(): void {
  document.getElementById("tour")?.scrollIntoView();
  if (!tour.value && !starting.value) void startTour();
}

/** Keeps where the visitor is in the address, once he has come to rest there. */
function Address({ asked, change }: Props) {
  const latest = useRef(asked);
  latest.current = asked;
  const place = placeNow(asked);
  const differs = (Object.keys(NOWHERE) as (keyof Place)[])
    .some((key) => place && place[key] !== asked[key]);
  useEffect(() => {
    if (!differs) return undefined;
    const timer = setTimeout(() => change({ ...latest.current, ...place }), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [differs, JSON.stringify(place)]);
  return null;
}

function Form({ asked, change }: Props) {
  const choose = (
    key: "left" | "right" | "variant" | "workload" | "memory", label: string,
    names: readonly string[],
  ) => (
    <label>
      {label}
      <select name={key} value={asked[key]} disabled={running.value}
        onChange={(event) => change({ ...asked, [key]: event.currentTarget.value })}>
        {names.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </label>
  );
  const count = (key: "seeds" | "rounds", label: string) => (
    <label>
      {label}
      <input name={key} type="number" min={LIMITS[key][0]} max={LIMITS[key][1]} value={asked[key]}
        disabled={running.value} required
        onChange={(event) => change({ ...asked, [key]: event.currentTarget.valueAsNumber || 1 })} />
    </label>
  );
  const submit = (event: Event) => {
    event.preventDefault();
    void compare(asked);
  };
  return (
    <form onSubmit={submit}>
      {choose("left", "Machine", MACHINES)}
      {choose("right", "beside", MACHINES)}
      {choose("variant", "Kernel", VARIANTS)}
      {choose("workload", "Work", WORKLOADS)}
      {choose("memory", "Memory model", MODELS)}
      {count("seeds", "Seeds")}
      {count("rounds", "Rounds of each")}
      <button type="submit" disabled={running.value}>Run</button>
      {running.value && <button type="button" onClick={cancel}>Cancel</button>}
    </form>
  );
}

function Inside({ asked }: { asked: Asked }) {
  return (
    <section aria-label="Inside" id="inside">
      <h2>Look inside</h2>
      <p>
        One run on each machine, both with the seed of the first that hung, to step through in both
        directions: what waits in the store buffers and for how long, which caches hold the lines
        that matter, what is on the bus.
      </p>
      <button type="button"
        disabled={opening.value !== undefined || running.value || trouble.value !== ""}
        onClick={() => {
          closeTour();
          void open(Promise.resolve(runsInside(sides.value, asked)), "inside");
        }}>
        Look inside
      </button>
      {opening.value === "inside" && <OpeningView />}
      <div class="machines">
        {looks.value.slice(0, CASE_SIDE)
          .map((look, i) => look && <LookView key={i} look={look} side={i} />)}
      </div>
    </section>
  );
}

function Story() {
  const first = sides.value.flatMap(({ runs }) => runs).find((run) => run.failure);
  if (!first) return null;
  const { machine, pair, seed } = first.spec;
  return (
    <section aria-label="Why" id="why">
      <h2>
        Why {machine} hung, {codeOf(case001, first.spec)}, CPUs {pair.join(" and ")}, seed
        {" "}{String(seed)}
      </h2>
      <StoryView run={first} />
      <details>
        <summary>The whole account</summary>
        <pre tabIndex={0}>{explainLostWakeup(first)}</pre>
      </details>
    </section>
  );
}
