// Runs of a case: one machine with one worker thread each, as many at a time as the host has cores.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_POINT, TRACE_REQUEST,
} from "../core/trace.ts";
import { hostCores, loadPreset } from "../engine/host.ts";
import { type CreateOptions, Machine } from "../engine/machine.ts";
import { runInPieces } from "../engine/pieces.ts";
import type { RunHooks } from "../engine/session.ts";
import { changeDisks } from "../machine/disks.ts";
import { cpuCount, InputError, type Preset } from "../machine/preset.ts";
import { SLEEP_NAMES, TASK_RUNNING } from "../machine/debug-block.ts";
import { relationOf } from "../machine/topology.ts";
import {
  type Case, type CaseRun, type CaseSpec, type Findings, imageOf, onAllCpus,
} from "./case.ts";

/** What the accounts of failures are made of. */
const TRACE_KINDS = [
  TRACE_POINT, TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOST, TRACE_REQUEST, TRACE_LOCKED,
].reduce((kinds, kind) => kinds | (1 << kind), 0);

/** The emulator itself failed in a run. */
export class RunFailed extends Error {
  override name = "RunFailed";
  readonly spec: CaseSpec;

  constructor(spec: CaseSpec, cause: Error) {
    super(cause.message, { cause });
    this.spec = spec;
  }
}

/** Throws an InputError where the machine has too few CPUs for the case. */
export function requireCpus({ id, cpusMin }: Case, preset: Preset): void {
  const cpus = cpuCount(preset);
  if (cpus >= cpusMin) return;
  const has = `${preset.name} has ${cpus} CPU${cpus === 1 ? "" : "s"}`;
  throw new InputError(`${has}, and case ${id} needs ${cpusMin}: choose another machine`);
}

/** The machine of a run. */
export async function optionsOf(definition: Case, spec: CaseSpec): Promise<CreateOptions> {
  const { disks, irqPolicy } = definition.disks?.(spec) ?? {};
  if (!disks && (spec.disk ?? spec.irq) !== undefined) {
    throw new InputError(`${spec.workload} of case ${definition.id} has no disks`);
  }
  return {
    machine: await presetOf(spec),
    disks: disks && changeDisks(disks, spec.disk),
    irqPolicy: spec.irq ?? irqPolicy,
    image: imageOf(definition, spec.workload),
    append: definition.bootParameters(spec),
    seed: spec.seed,
    memory: spec.memory,
    windowCycles: spec.windowCycles,
    workers: 1,
    traceEvents: definition.traceEvents(spec),
    traceKinds: definition.traceKinds ?? TRACE_KINDS,
    maxCycles: definition.budgetCycles(spec),
  };
}

export async function runOnce(
  definition: Case,
  spec: CaseSpec,
  hooks: Pick<RunHooks, "signal" | "onProgress"> = {},
): Promise<CaseRun> {
  const machine = await Machine.create(await optionsOf(definition, spec));
  try {
    const output: Uint8Array[] = [];
    const { result, followed, lost } = await runFollowed(definition, machine, {
      ...hooks, onConsole: (bytes) => output.push(bytes),
    });
    const console = output.map((bytes) => new TextDecoder().decode(bytes)).join("");
    const stopped = { machine, spec, result, console, followed };
    return {
      spec,
      relation: onAllCpus(definition, spec.workload) ? "all CPUs"
        : relationOf(machine.preset, ...spec.pair),
      result,
      console,
      places: placesOf(machine),
      ...judged(definition.examine(stopped), lost),
      ...await definition.lookAgain?.(stopped, hooks),
    };
  } finally {
    machine.close();
  }
}

async function runFollowed(definition: Case, machine: Machine, hooks: RunHooks) {
  const followed = definition.follow?.(machine);
  if (!followed) return { result: await machine.run(hooks), lost: 0, followed };
  const { pieceCycles } = definition;
  return { ...await runInPieces(machine, followed, hooks, pieceCycles), followed };
}

/** Nothing can be concluded from no failure in records that nobody has seen. */
function judged(findings: Findings, lost: number): Findings {
  if (lost === 0 || findings.failure) return findings;
  return { ...findings, broken: `${lost} records of the trace were not seen: a bug of smpbox` };
}

async function presetOf({ machine, changes, oneCache }: CaseSpec): Promise<Preset> {
  const preset = await loadPreset(machine, changes);
  if (!oneCache) return preset;
  const cpus = preset.clusters.flatMap((cluster) => cluster.cpus).sort((a, b) => a - b);
  const units = cpus.map((cpu) => [cpu]);
  return { ...preset, clusters: [{ ...preset.clusters[0], cpus, units }] };
}

function placesOf(machine: Machine): string[] {
  const cpus = machine.cpus().map(({ cpu, state, where }) => `cpu${cpu} ${state} at RIP ${where}`);
  const tasks = machine.debugBlock()?.tasks() ?? [];
  return [
    ...cpus,
    ...tasks.map(({ pid, comm, cpu, state, sleepKind }) => {
      const sleep = state === TASK_RUNNING ? "" : `, sleep ${SLEEP_NAMES[sleepKind] ?? sleepKind}`;
      return `task ${pid} ${comm} on cpu${cpu}: state ${state}${sleep}`;
    }),
  ];
}

export interface RunAllOptions {
  jobs?: number;
  signal?: AbortSignal;
  /** After each run; `index` is its place in the specs. */
  onDone?(run: CaseRun, done: number, index: number): void;
  /** At the start of each run, and some times a second while it goes. */
  onProgress?(index: number, cycles: number): void;
}

/** Runs all of `specs`; the results are in the same order, without runs that were cut short. */
export async function runAll(
  definition: Case,
  specs: readonly CaseSpec[],
  options: RunAllOptions,
): Promise<CaseRun[]> {
  const jobs = Math.min(options.jobs ?? hostCores(), specs.length);
  const runs: CaseRun[] = new Array(specs.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < specs.length && !options.signal?.aborted) {
      const index = next++;
      const onProgress = (now: bigint) => options.onProgress?.(index, Number(now));
      onProgress(0n);
      const hooks = { signal: options.signal, onProgress };
      const run = await runOnce(definition, specs[index], hooks).catch((error) => {
        throw error instanceof InputError ? error : new RunFailed(specs[index], error);
      });
      if (options.signal?.aborted) return;
      runs[index] = run;
      options.onDone?.(run, ++done, index);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return runs.filter((run) => run !== undefined);
}
