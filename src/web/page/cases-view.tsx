// All cases: what to run, the rate of failures as seeds complete, and the account of the first one.
import { wilson } from "../../cases/numbers.ts";
import { type CaseRun, onAllCpus, variantsOf } from "../../cases/case.ts";
import { CASES, findCase } from "../../cases/index.ts";
import { explainLostWakeup } from "../../report/lost-wakeup.ts";
import {
  campaign, type Campaign, campaigning, campaignTrouble, cancelCampaign, lookAtRun, runCampaign,
  runToLookAt,
} from "./cases.ts";
import { memoryNote } from "../../report/memory-model.ts";
import { GoingView } from "./going-view.tsx";
import { CASE_SIDE, looks, opening } from "./look.ts";
import { LookView } from "./look-view.tsx";
import { formOf } from "./made.ts";
import { MadeView } from "./made-view.tsx";
import { MachineView } from "./machine-view.tsx";
import { OpeningView } from "./opening-view.tsx";
import { RateChart } from "./rate-chart.tsx";
import {
  type Asked, LIMITS, MACHINES, MODELS, OWN, VARIANTS, workloadsOf,
} from "./state.ts";
import { closeTour } from "./tour.ts";

interface Props {
  asked: Asked;
  change(next: Asked): void;
}

type Name = "caseVariant" | "caseWorkload" | "caseMachine" | "caseMemory";
type Count = "caseSeed" | "caseSeeds" | "caseRounds";

export function CasesView({ asked, change }: Props) {
  const definition = findCase(asked.case);
  const choose = (key: Name, label: string, names: readonly string[]) => (
    <label>
      {label}
      <select name={key} value={asked[key]} disabled={campaigning.value}
        onChange={(event) => change({ ...asked, [key]: event.currentTarget.value })}>
        {names.map((name) => <option key={name} value={name}>{name}</option>)}
      </select>
    </label>
  );
  const count = (key: Count, label: string) => (
    <label>
      {label}
      <input name={key} type="number" min={LIMITS[key][0]} max={LIMITS[key][1]} value={asked[key]}
        disabled={campaigning.value} required onChange={(event) =>
          change({ ...asked, [key]: event.currentTarget.valueAsNumber || LIMITS[key][0] })} />
    </label>
  );
  const workload = asked.caseWorkload === OWN ? definition.workload : asked.caseWorkload;
  const { buggy, fixed } = variantsOf(definition, workload);
  const submit = (event: Event) => {
    event.preventDefault();
    void runCampaign(asked);
  };
  const step = () => {
    closeTour();
    return lookAtRun(asked, runToLookAt(asked));
  };
  const look = looks.value[CASE_SIDE];
  return (
    <section aria-label="Cases" id="cases">
      <h2>All cases</h2>
      <form onSubmit={submit}>
        <label>
          Case
          <select name="case" value={asked.case} disabled={campaigning.value}
            onChange={(event) =>
              change({ ...asked, case: event.currentTarget.value, caseWorkload: OWN })}>
            {CASES.map(({ id }) => <option key={id} value={id}>{id}</option>)}
          </select>
        </label>
        {choose("caseVariant", "Code", VARIANTS)}
        {choose("caseWorkload", "Workload", [OWN, ...workloadsOf(asked.case)])}
        {choose("caseMachine", "On machine", [OWN, ...MACHINES])}
        {choose("caseMemory", "Memory", MODELS)}
        {count("caseSeed", "First seed")}
        {count("caseSeeds", "Number of seeds")}
        {count("caseRounds", "Rounds (0: its own)")}
        <button type="submit" disabled={campaigning.value}>Run the case</button>
        {campaigning.value && (
          <button type="button" onClick={cancelCampaign}>Cancel the case</button>
        )}
        <button type="button" disabled={campaigning.value || opening.value !== undefined}
          onClick={() => void step()}>
          Step through a run
        </button>
      </form>
      <p><b>{definition.title}</b></p>
      <p class="soft">
        {workload}: {definition.workloads[workload]}. {asked.caseVariant}:
        {" "}{definition.describeVariant(asked.caseVariant === "bug" ? buggy : fixed)}.
        {" "}Its own machine is {definition.machine}.
      </p>
      {opening.value === "case" && <OpeningView />}
      {campaignTrouble.value && <p class="bad" role="alert">{campaignTrouble.value}</p>}
      {campaign.value && <Results campaign={campaign.value} form={formOf(asked)} />}
      {look && <LookView look={look} side={CASE_SIDE} />}
    </section>
  );
}

function Results({ campaign, form }: { campaign: Campaign; form: string }) {
  const { definition, preset, specs, runs } = campaign;
  const failed = runs.filter((run) => run.failure);
  const broken = runs.find((run) => run.broken);
  const first = failed.sort((a, b) => Number(a.spec.seed - b.spec.seed))[0];
  const [low, high] = wilson(failed.length, runs.length);
  const disks = definition.disks?.(specs[0])?.disks.length;
  const note = memoryNote(specs[0].memory);
  const percent = (rate: number) => `${(rate * 100).toFixed(0)} %`;
  return (
    <div class="look" data-campaign={definition.id}>
      <MadeView made={campaign.form} form={form} />
      <div class="scroll" tabIndex={0}>
        <MachineView preset={preset} disks={disks}
          chosen={onAllCpus(definition, specs[0].workload) ? [] : specs[0].pair} />
      </div>
      <progress max={specs.length} value={runs.length} aria-label={`runs of ${definition.id}`} />
      {campaigning.value && <GoingView going={campaign.going} />}
      <p>
        <b data-rate>{failed.length} of {runs.length}</b> runs failed
        {runs.length > 0 && ` (95 %: ${percent(low)} to ${percent(high)})`}
        {note && `; ${note}`}
      </p>
      <RateChart specs={specs} runs={runs} />
      {broken && <p class="bad">Seed {String(broken.spec.seed)} says nothing: {broken.broken}</p>}
      {first && <Account run={first} />}
    </div>
  );
}

function Account({ run }: { run: CaseRun }) {
  return (
    <>
      <p>
        Seed {String(run.spec.seed)} on {run.spec.machine}, {run.failure!.invariant}:
        {" "}{run.failure!.what}.
      </p>
      <details>
        <summary>The account of that run</summary>
        <pre tabIndex={0}>{explainLostWakeup(run)}</pre>
      </details>
    </>
  );
}
