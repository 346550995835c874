// last and sb of a crash session against the trace: the allocators' steps, rows that are too long,
// and of each waiting store its address, value, age, label and place.
import { afterAll, beforeAll, expect, it } from "vitest";
import { TRACE_COMMIT, TRACE_ISSUE } from "../../src/core/trace.ts";
import { clockOf, waitingStores } from "../../src/core/inspect.ts";
import { Machine } from "../../src/engine/machine.ts";
import { execute } from "../../src/report/crash/commands.ts";
import { complete } from "../../src/report/crash/complete.ts";
import { STEP_KINDS } from "../../src/report/crash/machine.ts";
import { Session } from "../../src/report/crash/session.ts";

const LABELS = ["SA", "SF", "SL", "RA", "RF", "RL"];
const STACK_BYTES = 16384n;
const WAIT_CYCLES = 200;
const LOOKS = 60;
let session: Session;
let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create({
    image: "w001", machine: "clovertown", seed: 1n, workers: 1, counters: true,
    traceEvents: 1 << 14, append: "v001k=0 -- w001 W001i s=0 r=2",
  });
  // In the middle of the ping-pong: stores wait.
  await machine.runTo(8_000_000n);
  session = new Session({ machine, image: "w001", seed: 1n, note: "" });
}, 120_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
});

const run = (line: string) => execute(session, line);
const steps = () => machine.view.trace((kind, label) => label !== 0 && kind in STEP_KINDS)
  .map((event) => ({ ...event, name: session.labels.get(event.label)! }));
/** Of a row: cycle, CPU, label, kind and the rest; undefined for one that goes on from above. */
const partsOf = (row: string) =>
  /^ *(\d+) {2}cpu(\d+) +(\S+) +(load|issue|commit|locked) +(.*)$/.exec(row)?.slice(1);

it("last leaves the allocators out and says how many; -a has them", async () => {
  const own = steps().filter(({ name }) => !LABELS.includes(name)).slice(-40);
  const between = steps().filter(({ name, time }) => LABELS.includes(name) && time >= own[0].time);
  expect(between.length).toBeGreaterThan(3);
  const lines = await run("last 40");
  const rows = lines.flatMap((line) => partsOf(line) ? [partsOf(line)!] : []);
  expect(rows.map(([time, cpu, label, kind]) => [time, cpu, label, kind])).toEqual(
    own.map(({ time, cpu, name, kind }) => [`${time}`, `${cpu}`, name, STEP_KINDS[kind]]));
  const [, count, named] = /^\((\d+) steps of the allocators are left out: (.*); last -a shows/
    .exec(lines.at(-1)!)!;
  expect(Number(count)).toBe(between.length);
  expect(new Set(named.split(", "))).toEqual(new Set(between.map(({ name }) => name)));
  const every = steps().slice(-400);
  const all = (await run("last -a 400")).flatMap((line) => partsOf(line) ? [partsOf(line)!] : []);
  expect(all.map(([time, , label]) => [time, label]))
    .toEqual(every.map(({ time, name }) => [`${time}`, name]));
  expect(await run("last --all 400")).toEqual(await run("last 400 -a"));
  expect((await run("help last")).join("\n")).toMatch(/last \[-a\].*\n.*-a: also the allocators'/);
  expect(complete(session, "last -")).toEqual([["-a "], "-"]);
  await expect(run("last -x")).rejects.toThrow(/usage: last/);
  await expect(run("last 3 4")).rejects.toThrow(/usage: last/);
});

it("a step of the slab is about an object, not about a member of it", async () => {
  const words: Record<string, string> = { SA: "taken", SF: "freed", SL: "moved" };
  const rows = (await run("last -a 4000")).flatMap((line) => partsOf(line) ? [partsOf(line)!] : [])
    .filter(([, , label]) => label in words);
  const events = steps().slice(-4000).filter(({ name }) => name in words);
  expect(rows.length).toBe(events.length);
  expect(new Set(rows.map(([, , label]) => label)).has("SF")).toBe(true);
  const base = machine.debugBlock()!.base;
  rows.forEach(([, , label, , text], i) => {
    const [, address, what, next] =
      /^\w+ ([0-9a-f]{16}) (\w+); next free = 0x([0-9a-f]+)$/.exec(text)!;
    const { phys, value } = events[i];
    expect(what).toBe(words[label]);
    expect(BigInt(`0x${next}`)).toBe(value);
    // The link is in the object.
    const offset = base + phys - BigInt(`0x${address}`);
    expect(offset >= 0n && offset < 4096n).toBe(true);
  });
});

it("no row is cut: what has no room stands in the next one", async () => {
  const [{ label, name }] = steps().filter(({ name: one }) => one === "A3");
  const { view } = machine;
  const { trace } = view;
  const variable = session.guest.types.variables.find(({ name: one }) => one === "nr_cpus")!;
  const at = session.guest.physical(variable.lin)!;
  try {
    // As a program's command may be, of which it is the stack.
    variable.name = `${"a long name ".repeat(12)}end`;
    view.trace = () => [{
      time: 1n, cpu: 0, kind: TRACE_COMMIT, label, size: 4, phys: BigInt(at), extra: 0, value: 7n,
    }];
    const lines = await run("last");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(lines.join(" ").replace(/\s+/g, " ").trim())
      .toBe(`1 cpu0 ${name} commit ${variable.name} = 0x7`);
  } finally {
    variable.name = "nr_cpus";
    view.trace = trace;
  }
});

it("sb has of each store what the machine has, and its label where it was labelled", async () => {
  const again = await Machine.create({
    image: "w001", machine: "clovertown", seed: 1n, workers: 1, counters: true,
    traceEvents: 1 << 14, append: "v001k=0 -- w001 W001i s=0 r=2",
  });
  // Labelled stores that waited long enough to be seen.
  const times = machine.view.trace((kind, label) => kind === TRACE_COMMIT && label !== 0)
    .filter(({ extra }) => extra > WAIT_CYCLES).map(({ time }) => time - BigInt(WAIT_CYCLES) / 2n)
    .slice(-LOOKS);
  expect(times).toHaveLength(LOOKS);
  let [labelled, onStack, named] = [0, 0, 0];
  for (const at of times) {
    await again.runTo(at);
    const here = new Session({ machine: again, image: "w001", seed: 1n, note: "" });
    const lines = await execute(here, "sb");
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    const rows = lines.map((line) =>
      /^ {2}(\S+) +([0-9a-f]+) +(\d+) +0x([0-9a-f]+) +(\d+) {2}(\S.*)$/.exec(line)?.slice(1))
      .filter((row) => row !== undefined);
    const stores = Array.from({ length: again.view.cpus }, (_, cpu) =>
      waitingStores(again.view, cpu).map((store) => ({ ...store, cpu }))).flat();
    expect(rows.length).toBe(stores.length);
    const issues = again.view.trace((kind, label) => kind === TRACE_ISSUE && label !== 0);
    stores.forEach(({ cpu, phys, size, value, issued }, i) => {
      const [label, lin, bytes, number, age, place] = rows[i];
      expect([bytes, number, age]).toEqual(
        [`${size}`, value.toString(16), `${clockOf(again.view, cpu) - issued}`]);
      const event = issues.find((one) =>
        one.cpu === cpu && one.time === issued && Number(one.phys) === phys);
      expect(label).toBe(event ? here.labels.get(event.label) : "-");
      if (event) labelled++;
      const address = BigInt(`0x${lin}`);
      if (here.guest.physical(address) !== undefined) {
        expect(here.guest.physical(address)).toBe(phys);
      }
      const [, comm, pid, offset] = /^stack of (\S+)\[(\d+)\]\+0x([0-9a-f]+)$/.exec(place) ?? [];
      if (!offset) {
        expect(place).not.toContain("stack of");
        if (place.includes(".")) named++;
        return;
      }
      const owner = here.tasks.find(({ stack }) =>
        address >= stack && address < stack + STACK_BYTES)!;
      expect([owner.comm || "idle", `${owner.pid}`]).toEqual([comm, pid]);
      expect(address - owner.stack).toBe(BigInt(`0x${offset}`));
      onStack++;
    });
  }
  again.close();
  expect(labelled).toBeGreaterThan(3);
  expect(onStack).toBeGreaterThan(3);
  expect(named).toBeGreaterThan(3);
}, 120_000);
