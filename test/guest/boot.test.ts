// The kernel on the emulated machine: it starts all CPUs, its system calls do what they say, a
// program's fault ends the program and not the machine.
import { afterEach, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";

let machine: Machine | undefined;
afterEach(() => machine?.close());

async function run(name: string, image: string, append = "") {
  machine = await Machine.create({
    machine: name,
    image,
    append,
    workers: 1,
    maxCycles: 100_000_000n,
  });
  let console = "";
  const { exit } = await machine.run({
    onConsole: (bytes) => (console += Buffer.from(bytes).toString()),
  });
  return { exit, console };
}

async function exitOf(name: string, image: string, append = "") {
  return (await run(name, image, append)).exit;
}

it.each(["uni1", "conroe", "clovertown"])("every system call on %s", async (name) => {
  expect(await exitOf(name, "syscheck")).toBe(0);
  const block = machine!.debugBlock()!;
  expect(block.booted).toBe(true);
  expect(block.panic).toBeUndefined();
});

it("reports a program's fault by its exit code", async () => {
  expect(await exitOf("uni1", "syscheck", "-- syscheck fault=read")).toBe(128 + 14);
});

it("shows the code of an instruction that the CPU does not have", async () => {
  const { exit, console } = await run("uni1", "syscheck", "-- syscheck fault=sse");
  expect(exit).toBe(128 + 6);
  const [, rip] = console.match(/^syscheck\[\d+\]: exception 6 error 0 rip ([0-9a-f]+) /m)!;
  // movaps %xmm0, %xmm1, and what follows it
  expect(console).toMatch(
    new RegExp(`^syscheck\\[\\d+\\]: code at ${rip}: 0f 28 c8(?: [0-9a-f]{2}){12}$`, "m"),
  );
});

it("passes the program's own exit code on", async () => {
  expect(await exitOf("conroe", "hello", "-- hello code=7")).toBe(7);
});

it("panics on a boot parameter that it does not know how to obey", async () => {
  expect(await exitOf("uni1", "hello", "v001k=99")).toBe("panic");
  expect(machine!.debugBlock()!.panic).toBe("v001k=99: this kernel has 0 to 13");
});

it("runs several copies of a program", async () => {
  expect(await exitOf("conroe", "syscheck", "copies=4")).toBe(0);
});
