// Validation: microbenchmarks run as guest programs on a machine, against published figures. What
// is expected is data (src/machine/validation/): a row is a program, what to read from what it
// prints, the published range, and what the row is worth.
import { loadPreset, readValidation } from "../engine/files.ts";
import { Machine } from "../engine/machine.ts";
import { cpuCount, numberOf, type Preset } from "../machine/preset.ts";
import { pairsByRelation, type Relation } from "../machine/topology.ts";

/**
 * input: the figure is a number of the preset, the program shows that it comes out; fit: numbers of
 * the preset were chosen to meet it; prediction: nothing was.
 */
export type Kind = "input" | "fit" | "prediction";

export interface Row {
  what: string;
  /** Image and its words. */
  program: string;
  /** Field of the output, or one of READINGS. */
  read: string;
  /** A relation of two CPUs, or "every": a row for each relation that the machine has. */
  pair?: Relation | "every";
  /** Of "every", those on which the figure says nothing; `source` says why. */
  except?: Relation[];
  /** CPUs that the program needs; the row is left out where there are fewer. */
  cpus?: number;
  unit: "cycles" | "ns" | "GB/s" | "%" | "times";
  low: number;
  high: number;
  /** Beyond the range: in the unit of the row, or in percent of the bound. */
  tolerance: string;
  kind: Kind;
  source: string;
}

export interface Measured {
  row: Row;
  relation?: Relation;
  cpus: number[];
  /** In the unit of the row. */
  value: number;
  holds: boolean;
}

/** RAM of the machine under test: the largest working set, twice. */
const RAM_MIB = 256;
/** No program needs so long. */
const BUDGET_CYCLES = 20_000_000_000n;

/** Runs a bundled program and returns what it prints. */
async function output(machine: string, program: string, signal?: AbortSignal): Promise<string> {
  const box = await Machine.create({
    machine, image: program.split(" ")[0], append: `-- ${program}`,
    maxCycles: BUDGET_CYCLES, changes: new Map([["ramMiB", RAM_MIB]]),
  });
  let text = "";
  const decoder = new TextDecoder();
  const result = await box.run({ signal, onConsole: (bytes) => (text += decoder.decode(bytes)) });
  box.close();
  // Exit code 1 says that a forbidden outcome was seen, which is for the row to judge.
  if (result.exit !== 0 && result.exit !== 1) {
    throw new Error(`${program} on ${machine} ended with ${result.exit}: ${text.trim()}`);
  }
  return text;
}

function field(text: string, name: string): number {
  const found = new RegExp(`(?:^|\\s)${name}[= ]([\\d.]+)`, "m").exec(text);
  if (!found) throw new Error(`no ${name} in the output: ${text.trim()}`);
  return Number(found[1]);
}

/** Share of the outcomes that are forbidden, in percent. */
function forbidden(text: string): number {
  const counts = [...text.matchAll(/; (\d+)( forbidden)?\r?$/gm)];
  const sum = (list: typeof counts) => list.reduce((total, [, count]) => total + Number(count), 0);
  return (100 * sum(counts.filter(([, , bad]) => bad))) / sum(counts);
}

export class Validation {
  readonly preset: Preset;
  readonly rows: Row[];
  private readonly machine: string;
  private readonly outputs = new Map<string, string>();

  constructor(machine: string) {
    this.machine = machine;
    this.preset = loadPreset(machine);
    const lists = [this.preset.name, "any"].map((name) => readValidation(name) as { rows: Row[] });
    this.rows = lists.flatMap(({ rows }) => rows);
  }

  /** All rows that this machine can have; `onRow` after each. */
  async run(onRow: (row: Measured) => void, signal?: AbortSignal): Promise<Measured[]> {
    const measured: Measured[] = [];
    for (const row of this.rows) {
      for (const { relation, cpus } of this.placesOf(row)) {
        if (signal?.aborted) return measured;
        const value = await this.valueOf(row, cpus, signal);
        if (signal?.aborted) return measured;
        measured.push({ row, relation, cpus, value, holds: holds(row, value) });
        onRow(measured.at(-1)!);
      }
    }
    return measured;
  }

  /** Where a row is measured: on each pair of its relation, or wherever the program likes. */
  private placesOf(row: Row): Array<{ relation?: Relation; cpus: number[] }> {
    const { pair, except = [], cpus = 1 } = row;
    if (cpuCount(this.preset) < cpus) return [];
    if (!pair) return [{ cpus: [] }];
    const pairs = pairsByRelation(this.preset);
    const wanted = [...pairs.keys()].filter((relation) =>
      pair === "every" ? !except.includes(relation) : pair === relation);
    return wanted.map((relation) => ({ relation, cpus: pairs.get(relation)! }));
  }

  private async valueOf(row: Row, cpus: number[], signal?: AbortSignal): Promise<number> {
    const ghz = numberOf(this.preset, "megahertz") / 1000;
    const pinned = cpus.length ? ` a=${cpus[0]} b=${cpus[1]}` : "";
    if (row.read === "bandwidth") {
      const bus = this.preset.clusters.filter((cluster) => cluster.bus === 0);
      const mask = bus.flatMap((cluster) => cluster.cpus).reduce((all, cpu) => all + 2 ** cpu, 0);
      const text = await this.printed(`${row.program} cpus=${mask}`, signal);
      return (field(text, "bytes") / field(text, "cycles")) * ghz;
    }
    const text = await this.printed(row.program + pinned, signal);
    if (row.read === "forbidden") return forbidden(text);
    if (row.read === "windowRatio") {
      const [a, b] = pairsByRelation(this.preset).get("same L2")!;
      const same = await this.printed(`${row.program} a=${a} b=${b}`, signal);
      return field(text, "window") / field(same, "window");
    }
    const cycles = field(text, row.read);
    return row.unit === "ns" ? cycles / ghz : cycles;
  }

  /** Several rows may read what one program prints. */
  private async printed(program: string, signal?: AbortSignal): Promise<string> {
    const known = this.outputs.get(program);
    if (known !== undefined) return known;
    const text = await output(this.machine, program, signal);
    this.outputs.set(program, text);
    return text;
  }
}

/** The value is in the published range, or outside of it by no more than the tolerance. */
export function holds({ low, high, tolerance }: Row, value: number): boolean {
  const amount = Number(tolerance.replace("%", ""));
  const slack = (bound: number) => (tolerance.endsWith("%") ? (bound * amount) / 100 : amount);
  return value >= low - slack(low) && value <= high + slack(high);
}

export interface SbRate {
  cpus: [number, number];
  relation: Relation;
  /** Relaxed outcomes in percent: started together, lines shared or owned. */
  shared: number;
  owned: number;
  /** Started up to 400 cycles apart at random, lines shared. */
  random: number;
  /** Cycles of difference between the starts within which most outcomes are relaxed. */
  window: number;
}

/** How often store buffering is relaxed between two CPUs. */
export async function sbRate(
  machine: string,
  cpus: [number, number],
  relation: Relation,
  iterations: number,
  signal?: AbortSignal,
): Promise<SbRate> {
  const print = (words: string) =>
    output(machine, `shapes shape=sb a=${cpus[0]} b=${cpus[1]} ${words}`, signal);
  const rate = async (words: string) =>
    forbidden(await print(`strict=1 n=${iterations} ${words}`));
  return {
    cpus,
    relation,
    shared: await rate("lines=shared"),
    owned: await rate("lines=owned"),
    random: await rate("skew=400"),
    window: field(await print("scan=400"), "window"),
  };
}
