// The rate of failures of a case as its seeds complete: a square per seed, and above it the rate
// so far with its interval, on axes for all the seeds that are wanted.
import type { CaseRun, CaseSpec } from "../../cases/case.ts";
import { ratePoints } from "./rate.ts";

const CELL = 12;
const LEFT = 46;
const TOP = 10;
const PLOT = 64;
const SQUARES = TOP + PLOT + 4;
const HEIGHT = SQUARES + CELL + 18;
/** So much is needed for the words below. */
const WIDTH_MIN = 140;

export function RateChart({ specs, runs }: {
  specs: readonly CaseSpec[]; runs: readonly CaseRun[];
}) {
  const points = ratePoints(specs, runs);
  const failures = runs.filter((run) => run.failure).length;
  const plot = Math.max(WIDTH_MIN, specs.length * CELL);
  const width = LEFT + plot + 4;
  const y = (rate: number) => TOP + (1 - rate) * PLOT;
  const path = (list: { at: number; rate: number }[]) =>
    list.map(({ at, rate }) => `${LEFT + (at + 0.5) * CELL},${y(rate)}`).join(" ");
  const of = (key: "rate" | "low" | "high") =>
    points.map((one) => ({ at: one.at, rate: one[key] }));
  return (
    <div class="scroll" tabIndex={0}>
      <svg viewBox={`0 0 ${width} ${HEIGHT}`} width={width} role="img"
        aria-label={`${failures} of ${runs.length} runs failed; a square for each of ` +
          `${specs.length} seeds`}>
        <rect class="box" x={LEFT} y={TOP} width={plot} height={PLOT} data-frame />
        {[0, 0.5, 1].map((rate) => (
          <g key={rate}>
            <path class="line" d={`M${LEFT - 4},${y(rate)}H${LEFT + plot}`} />
            <text x={LEFT - 7} y={y(rate) + 4} text-anchor="end">{rate * 100} %</text>
          </g>
        ))}
        <polygon class="interval" points={path([...of("high"), ...of("low").toReversed()])} />
        <polyline class="rate" points={path(of("rate"))} />
        {specs.map((spec, i) => (
          <Square key={i} x={LEFT + i * CELL} seed={spec.seed}
            run={runs.find((run) => run.spec.seed === spec.seed)} />
        ))}
        <text x={LEFT} y={HEIGHT - 4} data-axis>
          seed {String(specs[0].seed)} to {String(specs.at(-1)!.seed)}
        </text>
      </svg>
    </div>
  );
}

/** Empty until its run is there. */
function Square({ x, seed, run }: { x: number; seed: bigint; run?: CaseRun }) {
  const kind = !run ? "pending" : run.failure ? "hung" : run.broken ? "core" : "held";
  const word = { pending: "not run yet", hung: "failed", core: "says nothing", held: "held" }[kind];
  return (
    <rect x={x + 1} y={SQUARES} width={CELL - 2} height={CELL - 2} class={kind} data-seed={seed}>
      <title>seed {String(seed)}: {word}</title>
    </rect>
  );
}
