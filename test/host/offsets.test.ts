// abi.ts promises the host where some fields of the core are: compared with the core's own layout.
import { expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { compileEntry } from "../support/compile.ts";

it("has the fields of Cpu and Core where abi.ts says", () => {
  const { exports } = compileEntry("test/device/assembly/offsets.ts");
  const promised: Record<string, number> = {
    rax: abi.CPU_REGISTERS,
    r15: abi.CPU_REGISTERS + 15 * 8,
    fsBase: abi.CPU_FS_BASE,
    gsBase: abi.CPU_GS_BASE,
    cpl: abi.CPU_CPL,
    rip: abi.CPU_RIP,
    rflags: abi.CPU_RFLAGS,
    cr2: abi.CPU_CR2,
    cr3: abi.CPU_CR3,
    badRip: abi.CPU_BAD_RIP,
    badBytes: abi.CPU_BAD_BYTES,
    run: abi.CORE_RUN,
    clock: abi.CORE_CLOCK,
    instructions: abi.CORE_INSTRUCTIONS,
    stores: abi.CORE_STORES,
    sbHead: abi.CORE_SB_HEAD,
    sbCount: abi.CORE_SB_COUNT,
    loadHits: abi.CORE_LOAD_HITS,
    caches: abi.CORE_CACHES,
    l2: abi.CORE_L2,
    shared: abi.CLUSTER_SHARED,
    irr: abi.CORE_LAPIC_IRR,
    isr: abi.CORE_LAPIC_IRR + 32,
  };
  const found = Object.keys(promised).map((name) => [name, (exports[name] as () => number)()]);
  expect(Object.fromEntries(found)).toEqual(promised);
});

it("gives each parameter of the machine block a place of its own", () => {
  const places = new Map<number, string>();
  for (const [name, value] of Object.entries(abi)) {
    const notPlace = /_(LIMIT|BYTES)$/.test(name) || typeof value !== "number";
    if (!name.startsWith("M_") || notPlace) continue;
    expect(places.get(value), `${name} and another at ${value}`).toBeUndefined();
    places.set(value, name);
  }
  expect(places.size).toBeGreaterThan(80);
});
