// smpbox machines [NAME]: the list, or one machine drawn with its numbers and where they come from.
import type { Command } from "commander";
import { loadPreset, presetNames } from "../engine/files.ts";
import type { Origin } from "../machine/map.ts";
import { cpuCount, type Preset } from "../machine/preset.ts";
import { windowOf } from "../machine/topology.ts";
import { beside, wrap } from "../report/text.ts";
import { drawMachine } from "../report/topology.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";

export function machinesVerb(program: Command, act: Act): void {
  program
    .command("machines")
    .description("list the machines, or draw one")
    .argument("[name]", "preset or JSON file")
    .option("--machine <name>", "the same as the argument")
    .option("--json", "print one JSON document")
    .action((argument: string | undefined, options: { json?: boolean; machine?: string }) =>
      act(() => {
        const name = argument ?? options.machine;
        if (name !== undefined) show(loadPreset(name), options.json === true);
        else list(options.json === true);
        return EXIT.held;
      }),
    );
}

function list(json: boolean): void {
  const presets = presetNames().map((name) => loadPreset(name));
  if (json) {
    printJson({
      schema: "smpbox-machines-1",
      machines: presets.map((p) => ({
        name: p.name,
        description: p.description,
        cpus: cpuCount(p),
      })),
    });
    return;
  }
  for (const preset of presets) {
    const cpus = `${cpuCount(preset)} CPU${cpuCount(preset) === 1 ? " " : "s"}`;
    const head = `${preset.name.padEnd(14)} ${cpus.padStart(7)}  `;
    process.stdout.write(`${beside(head, preset.description)}\n`);
  }
}

function show(preset: Preset, json: boolean): void {
  if (json) {
    printJson({
      schema: "smpbox-machine-1",
      name: preset.name,
      description: preset.description,
      clusters: preset.clusters,
      homes: preset.homes,
      hops: preset.hops,
      origin: preset.origin,
      numbers: Object.fromEntries(preset.numbers),
      windowCycles: windowOf(preset),
    });
    return;
  }
  const head = wrap(`${preset.name}: ${preset.description}`);
  process.stdout.write(`${head}\n\n${drawMachine(preset)}\n\n`);
  process.stdout.write("A read from a source, B published, C derived, D a guess\n");
  const { origin } = preset;
  const rows: [string, string, Origin][] = origin ? [["topology", "", origin]] : [];
  for (const [field, number] of preset.numbers) rows.push([field, `${number.value}`, number]);
  for (const [field, value, { confidence, source }] of rows) {
    const head = `${field.padEnd(24)} ${value.padStart(6)} ${confidence} `;
    process.stdout.write(`${beside(head, source)}\n`);
  }
}
