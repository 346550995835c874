// One of the two machines and the results of its runs of case 001.
import type { CaseRun } from "../../cases/case.ts";
import { relationOf } from "../../machine/topology.ts";
import { upperBound } from "../../report/compare.ts";
import { memoryNote } from "../../report/memory-model.ts";
import { running, type Side } from "./compare.ts";
import { GoingView } from "./going-view.tsx";
import { MachineView } from "./machine-view.tsx";
import { MadeView } from "./made-view.tsx";

/** `form`: what the form asks for now. */
export function MachinePanel({ side, form }: { side: Side; form: string }) {
  const { preset, pairs, disks, runs, wanted, made } = side;
  const first = runs.find((run) => run.failure);
  return (
    <article class="machine" data-machine={preset.name}>
      <h2>{preset.name}</h2>
      <p class="soft">{preset.description}</p>
      <div class="scroll" tabIndex={0}>
        <MachineView preset={preset} disks={disks}
          chosen={first?.spec.pair ?? pairs.at(-1) ?? []} />
      </div>
      {wanted > 0 && <MadeView made={made} form={form} />}
      {wanted > 0 && (
        <progress max={wanted} value={runs.length} aria-label={`runs of ${preset.name}`} />
      )}
      {running.value && <GoingView going={side.going} />}
      {runs.length > 0 && <div class="scroll" tabIndex={0}><Results side={side} /></div>}
      <p class="soft" data-caveat>{caveatsOf(side).join(" ")}</p>
    </article>
  );
}

/** What a run without a hang is worth, and whose drains they were. */
function caveatsOf({ pairs, runs }: Side): string[] {
  const note = runs.length ? memoryNote(runs[0].spec.memory) : undefined;
  return [
    ...pairs.flatMap((pair) => {
      const own = runs.filter(({ spec }) => spec.pair.join() === pair.join());
      const rounds = own.reduce((sum, run) => sum + run.rounds, 0);
      if (!rounds || own.some((run) => run.failure)) return [];
      return `CPUs ${pair.join(" and ")}: no hang, under ${upperBound(rounds)} a round (95 %).`;
    }),
    ...note ? [`Memory: ${note}.`] : [],
  ];
}

function Results({ side: { preset, pairs, runs } }: { side: Side }) {
  const of = (pair: [number, number]) => runs.filter((run) => run.spec.pair.join() === pair.join());
  return (
    <table>
      <thead><tr><th>CPUs</th><th>apart</th><th>hung</th><th>rounds</th><th>state</th></tr></thead>
      <tbody>
        {pairs.map((pair) => {
          const own = of(pair);
          const hung = own.filter((run) => run.failure).length;
          const rounds = own.reduce((sum, run) => sum + run.rounds, 0);
          return (
            <tr key={pair.join()}>
              <td>{pair.join(" and ")}</td>
              <td>{relationOf(preset, ...pair)}</td>
              <td class={hung ? "bad" : "good"}>{hung} of {own.length}</td>
              <td class="number">{rounds}</td>
              <td><code data-hash={pair.join()}>{own[0] && hashText(own[0])}</code></td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const hashText = ({ result }: CaseRun) => result.stateHash.toString(16).padStart(16, "0");
