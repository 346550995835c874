// abi.ts promises the host where some fields of the core are: compared with the core's own layout.
import { expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { compileEntry } from "../device/compile.ts";

it("has the fields of Cpu and Core where abi.ts says", () => {
  const { exports } = compileEntry("test/device/assembly/offsets.ts");
  const offset = (name: string) => (exports[name] as () => number)();
  expect({
    rsp: offset("rsp"),
    rip: offset("rip"),
    cr3: offset("cr3"),
    badRip: offset("badRip"),
    badBytes: offset("badBytes"),
    run: offset("run"),
  }).toEqual({
    rsp: abi.CPU_RSP,
    rip: abi.CPU_RIP,
    cr3: abi.CPU_CR3,
    badRip: abi.CPU_BAD_RIP,
    badBytes: abi.CPU_BAD_BYTES,
    run: abi.CORE_RUN,
  });
});
