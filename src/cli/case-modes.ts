// The modes of smpbox case, and the options that each of them takes. One that a mode would not look
// at is refused: a run that ignores it answers another question than the one that was asked.
import type { Command } from "commander";
import { InputError } from "../index.ts";
import type { CaseOptions } from "./case.ts";

export type Mode = "list" | "runs" | "rows" | "ablate" | "sweep";
type Name = keyof CaseOptions;

/** Of a table of hangs against one change or one number: which runs, and on which machine. */
const TABLE: Name[] = ["machine", "pair", "seeds", "seed", "rounds", "workers", "window", "set",
  "json"];

const TAKES: Record<Mode, { called: string; takes: ReadonlySet<Name> }> = {
  list: { called: "case without an id", takes: new Set(["json"]) },
  runs: {
    called: "case",
    takes: new Set([
      ...TABLE, "variant", "workload", "memory", "inflight", "expect", "report", "junit", "disk",
      "irq",
    ]),
  },
  // Its runs are what the expectations say.
  rows: {
    called: "case --rows",
    takes: new Set(["rows", "short", "budget", "workers", "junit", "json"]),
  },
  // Variant and memory model are among the changes.
  ablate: { called: "case --ablate", takes: new Set([...TABLE, "ablate"]) },
  sweep: {
    called: "case --sweep",
    takes: new Set([...TABLE, "sweep", "svg", "variant", "memory"]),
  },
};

/** Of every verb (main.ts). */
const COMMON: ReadonlySet<string> = new Set(["progress"]);

const MODES: Mode[] = ["rows", "ablate", "sweep", "runs"];

/** The mode that is asked for, or an InputError about the first option that it does not take. */
export function modeOf(id: string | undefined, options: CaseOptions, command: Command): Mode {
  const mode = options.rows !== undefined ? "rows" : id === undefined ? "list"
    : options.ablate ? "ablate" : options.sweep ? "sweep" : "runs";
  const { called, takes } = TAKES[mode];
  for (const option of command.options) {
    const name = option.attributeName() as Name;
    if (COMMON.has(name) || takes.has(name)) continue;
    if (command.getOptionValueSource(name) !== "cli") continue;
    throw new InputError(`${option.long} is not for ${called}: ${adviceOn(name, mode)}`);
  }
  return mode;
}

function adviceOn(name: Name, mode: Mode): string {
  if (mode === "list") return "name a case";
  const others = MODES.filter((one) => one !== mode && TAKES[one].takes.has(name));
  const modes = others.map((one) => (one === "runs" ? "plain runs of a case" : `--${one}`));
  return `leave it out, or use it with ${modes.join(" or ")}`;
}
