// CPUID tells the topology of the machine: from the APIC IDs, shifted as leaf 0BH says, software
// finds which CPUs share a core and a package (SDM Vol. 3A 10.9.1).
import { beforeAll, describe, expect, it } from "vitest";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { type Preset, readPreset } from "../../src/machine/preset.ts";
import { apicIds, writeMachineBlock } from "../../src/machine/topology.ts";
import { type Compiled, compileEntry } from "../support/compile.ts";

const CORE = 0x120000;
const SMT = 1;
const CORES = 2;

let compiled: Compiled;
beforeAll(() => {
  compiled = compileEntry("test/isa/assembly/cpuid.ts");
});

interface Answer {
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

function ask(cpu: number, leaf: number, subleaf = 0): Answer {
  const calls = compiled.exports as unknown as {
    ask(core: number, cpu: number, leaf: number, subleaf: number): void;
    register(core: number, index: number): number;
  };
  calls.ask(CORE, cpu, leaf, subleaf);
  const [eax, ebx, ecx, edx] = [0, 1, 2, 3].map((index) => calls.register(CORE, index) >>> 0);
  return { eax, ebx, ecx, edx };
}

function open(preset: Preset): void {
  writeMachineBlock(compiled.view.buffer, preset, {
    seed: 1n, workers: 1, hostCores: 1, memoryModel: "tso", ramBytes: 16 << 20, maxCycles: 0n,
    traceEvents: 0,
  });
}

describe.each(presetNames())("%s", (name) => {
  it("leaf 0BH: threads of the core, CPUs of the package, and the shifts between", () => {
    const preset = loadPreset(name);
    open(preset);
    const cpus = preset.clusters.flatMap((cluster) =>
      cluster.units.flatMap((unit) => unit.map((cpu) => ({ cpu, unit, package: cluster.package }))),
    );
    const seen = cpus.map((own) => {
      const [threads, cores, end] = [0, 1, 2].map((level) => ask(own.cpu, 0xb, level));
      expect([threads.ecx, cores.ecx, end.ecx]).toEqual([SMT << 8, 1 | (CORES << 8), 2]);
      expect(threads.ebx).toBe(own.unit.length);
      expect(cores.ebx).toBe(cpus.filter((other) => other.package === own.package).length);
      expect(end).toMatchObject({ eax: 0, ebx: 0 });
      const id = threads.edx;
      expect([cores.edx, ask(own.cpu, 1).ebx >>> 24]).toEqual([id, id]);
      return { ...own, id, core: id >> threads.eax, pack: id >> cores.eax };
    });
    expect(new Set(seen.map(({ id }) => id)).size).toBe(cpus.length);
    for (const a of seen) {
      for (const b of seen) {
        expect(a.core === b.core, `cores of ${a.cpu} and ${b.cpu}`).toBe(a.unit === b.unit);
        expect(a.pack === b.pack, `packages of ${a.cpu}, ${b.cpu}`).toBe(a.package === b.package);
      }
    }
  });

  it("leaf 1: room for the CPUs of a package; HTT where there are several", () => {
    const preset = loadPreset(name);
    open(preset);
    const most = Math.max(...preset.clusters.map(({ package: index }) =>
      preset.clusters.filter((other) => other.package === index).flatMap(({ cpus }) => cpus).length,
    ));
    const { ebx, edx } = ask(0, 1);
    expect((ebx >> 16) & 0xff).toBeGreaterThanOrEqual(most);
    expect((edx >> 28) & 1).toBe(most > 1 ? 1 : 0);
  });
});

it("more CPUs than APIC IDs: an error that names the field", () => {
  // A large package makes room for as many in each of the small ones.
  const large = { package: 0, bus: 0, cpus: Array.from({ length: 16 }, (_, i) => i) };
  const small = Array.from({ length: 16 }, (_, i) => ({ package: 1 + i, bus: 0, cpus: [16 + i] }));
  const preset = loadPreset("westmere-ex");
  const numbers = Object.fromEntries(preset.numbers);
  const topology = { clusters: [large, ...small] };
  const wide = readPreset({ name: "wide", numbers, topology }, () => undefined);
  expect(() => apicIds(wide)).toThrow(/^topology\.clusters: /);
});
