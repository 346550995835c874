// All verbs as one commander program; what an action does with its work is the caller's business.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { packageRoot } from "../core/root.ts";
import { barriersVerb } from "./barriers.ts";
import { c2cVerb } from "./c2c.ts";
import { caseVerb } from "./case.ts";
import { cflagsVerb } from "./cflags.ts";
import { compareVerb } from "./compare.ts";
import { coreVerb } from "./core.ts";
import { crashVerb } from "./crash.ts";
import { doctorVerb } from "./doctor.ts";
import { EXAMPLES, FIRST_EXAMPLES } from "./examples.ts";
import { exploreVerb } from "./explore.ts";
import { litmusVerb } from "./litmus.ts";
import type { Act } from "./main.ts";
import { machinesVerb } from "./machines.ts";
import { PROGRESS_KINDS, setProgress } from "./progress.ts";
import { replayVerb } from "./replay.ts";
import { runVerb } from "./run.ts";
import { traceVerb } from "./trace.ts";
import { validateVerb } from "./validate.ts";
import { whyVerb } from "./why.ts";

const VERBS = [
  runVerb, litmusVerb, exploreVerb, barriersVerb, caseVerb, compareVerb, traceVerb, replayVerb,
  crashVerb, whyVerb, coreVerb, c2cVerb, validateVerb, machinesVerb, doctorVerb, cflagsVerb,
];

export function programOf(act: Act): Command {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  const program = new Command("smpbox")
    .description("a deterministic, cycle-accounted emulator of multi-socket x86-64 machines")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(smpbox --help lists the verbs and their options)");
  for (const verb of VERBS) verb(program, act);
  program.hook("preAction", (_, action) => setProgress(action.opts().progress));
  for (const command of program.commands) {
    command.showHelpAfterError(
      `(smpbox ${command.name()} --help lists its options, with examples)`);
    command.addOption(new Option("--progress <how>", "on stderr").choices(PROGRESS_KINDS)
      .default("auto"));
    command.addHelpText("after", helpOf(EXAMPLES[command.name()] ?? []));
  }
  program.addHelpText("after", helpOf(FIRST_EXAMPLES));
  return program;
}

function helpOf(examples: typeof FIRST_EXAMPLES): string {
  const lines = examples.flatMap(([words, what]) => [`  $ smpbox ${words}`, `      ${what}`]);
  return ["", "Examples:", ...lines].join("\n");
}
