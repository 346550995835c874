// The guided tour of case 001: a stop at a time, its text with the numbers of the runs made here,
// and the machine as it stands there.
import type { ComponentChildren } from "preact";
import { ABLATION, hangsOf, readingOf, verdictOf, waitOf } from "../../cases/001-ablation.ts";
import type { TraceEvent } from "../../core/trace.ts";
import { Buffers, Lines } from "./look-view.tsx";
import { looks } from "./look.ts";
import { OpeningView } from "./opening-view.tsx";
import { SourceView } from "./source-view.tsx";
import {
  ablate, ablating, ablation, cancelAblation, goToStop, starting, startTour, stop, STOPS, tour,
  type Tour,
} from "./tour.ts";

export function TourView() {
  const known = tour.value;
  return (
    <section aria-label="Tour" id="tour">
      <h2>Guided tour: how a wake-up is lost</h2>
      <p>
        Eight stops in one run that hangs, on the machine itself. Everything below is measured
        here, now.
      </p>
      {!known && (
        <button type="button" disabled={starting.value} onClick={() => void startTour()}>
          Start the tour
        </button>
      )}
      {starting.value && <OpeningView />}
      {known && <Stop tour={known} />}
    </section>
  );
}

function Stop({ tour: known }: { tour: Tour }) {
  const { title, at } = STOPS[stop.value];
  const look = looks.value[at?.(known).side ?? 0];
  return (
    <div class="look" data-stop={stop.value}>
      <nav class="buttons" aria-label="Stops">
        {STOPS.map((one, i) => (
          <button key={i} type="button" aria-current={i === stop.value ? "step" : undefined}
            class={i === stop.value ? "" : "other"} onClick={() => void goToStop(i)}>
            {i + 1}
          </button>
        ))}
        <button type="button" disabled={stop.value === STOPS.length - 1}
          onClick={() => void goToStop(stop.value + 1)}>Next</button>
      </nav>
      <h3>{stop.value + 1}. {title}</h3>
      <Text known={known} index={stop.value} />
      {at && look && (
        <>
          <p class="soft">
            {look.preset.name}, cycle {look.cycle}; further below it can be stepped from here.
          </p>
          <SourceView look={look} />
          <Buffers look={look} />
          <Lines look={look} />
        </>
      )}
      {stop.value === STOPS.length - 1 && <Ablation />}
    </div>
  );
}

/** Cycles between two events, or "?" where one was not recorded. */
function gap(from: TraceEvent | undefined, to: TraceEvent | undefined): string {
  return from && to ? `${to.time - from.time}` : "?";
}

function Text({ known, index }: { known: Tour; index: number }): ComponentChildren {
  const { story, bug, conroe, fixed, relation } = known;
  const { submitter, reaper, tailIssue, tailCommit, bRead, queueCommit, tailRead } = story;
  switch (index) {
    case 0:
      return (
        <p>
          cpu {submitter} completes a request: it stores the new <code>ring.tail</code> (A3), then
          looks whether anybody waits (B). cpu {reaper} wants an event: it joins the wait queue
          (1e), then looks at <code>ring.tail</code> (2). Each stores, then loads what the other
          stores. As long as a store is visible before the load behind it is done, one of them
          sees the other. The CPUs are: {relation}.
        </p>
      );
    case 1:
      return (
        <p>
          A3 is executed: <code>ring.tail = {String(tailIssue?.value)}</code> is in the store buffer
          of cpu {submitter}, behind the stores before it. Its line is in the reaper's cache, too,
          so it has to be owned first. A3 will become visible {gap(tailIssue, tailCommit)} cycles
          from now. The CPU does not wait for that.
        </p>
      );
    case 2:
      return (
        <p>
          {gap(tailIssue, bRead)} cycles after A3, B reads the wait queue, while A3 still stands in
          the buffer. The queue is empty: the entry of the reaper becomes visible
          {" "}{gap(bRead, queueCommit)} cycles later. So nobody is woken. x86-64 allows a load to
          be done before an older store to another address is visible; of the four reorderings of
          loads and stores it is the only one that it allows.
        </p>
      );
    case 3:
      return (
        <p>
          {gap(queueCommit, tailRead)} cycles after its entry is visible, and behind a full fence
          (1g, an exchange), the reaper reads <code>ring.tail = {String(tailRead?.value)}</code>:
          no event. It did nothing wrong. A3 becomes visible only {gap(tailRead, tailCommit)} cycles
          from here. The reaper goes to sleep.
        </p>
      );
    case 4:
      return (
        <p>
          A3 is visible, after {gap(tailIssue, tailCommit)} cycles: <code>ring.tail</code> is
          {" "}{String(tailIssue?.value)}. But B was {gap(bRead, tailCommit)} cycles ago, nobody
          looks any more, and the reaper sleeps with its event in the ring, for ever.
        </p>
      );
    case 5:
      return (
        <p>
          The repair puts <code>smp_mb()</code> between A3 and B: the CPU waits until its store
          buffer is empty. Same machine, same seed, {fixed.rounds} rounds: it
          {fixed.hung ? " hangs" : " does not hang"}. The price: B comes {fixed.untilB} cycles after
          A3 instead of {bug.untilB} (medians), since it now waits for A3
          ({fixed.a3Waits} cycles in the buffer).
        </p>
      );
    case 6:
      return (
        <p>
          The same image, the same seed, without the fence: on conroe {conroe.rounds} rounds
          {known.conroeHung ? " hang" : " do not hang"}. Both cores share one L2, so ownership of a
          line passes inside the die, and A3 waits {conroe.a3Waits} cycles (median) where it waits
          {" "}{bug.a3Waits} on this pair of clovertown. The bug is there, in the same bytes; but
          when a reaper that came after B gets to its look, A3 has long been visible.
        </p>
      );
    default:
      return (
        <p>
          The message of the 2008 patch says that the insertion into the wait queue sat in a cache
          that the completer's CPU does not share. Caches are coherent: once a store is in a cache,
          all see it. Change one thing at a time and see which side was late.
        </p>
      );
  }
}

function Ablation() {
  const rows = ablation.value;
  return (
    <>
      <div class="buttons">
        <button type="button" disabled={ablating.value} onClick={() => void ablate()}>
          {ablating.value ? `Running ${rows.length + 1} of ${ABLATION.length}` : "Run the table"}
        </button>
        {ablating.value && <button type="button" onClick={cancelAblation}>Cancel</button>}
      </div>
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table data-ablation>
            <thead><tr><th>change</th><th>hangs</th><th>A3 waits</th><th>reading</th></tr></thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.change.what}>
                  <td>{row.change.what}</td>
                  <td class={hangsOf(row.runs) ? "bad" : "good"}>
                    {hangsOf(row.runs)} of {row.runs.length}
                  </td>
                  <td class="number">{waitOf(row.runs) ?? "-"}</td>
                  <td>{readingOf(row)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length === ABLATION.length && <p><b>{verdictOf(rows)}</b></p>}
    </>
  );
}
