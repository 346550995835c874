// Case 003 with the tasks of the first dump, 192 writers and ls, at writes of 8 KiB: who hangs does
// so as the dump's writer, kjournald waits for it, and all others for kjournald.
import { afterAll, expect, it } from "vitest";
import { shapeOf } from "../../src/cases/003-workloads.ts";
import { case003 } from "../../src/cases/003.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_UNINTERRUPTIBLE,
} from "../../src/machine/debug-block.ts";
import { FsBlock } from "../../src/machine/fs-block.ts";

afterAll(() => Machine.shutdown());

const TASKS = 192 + 1;
/** In some runs none hangs, in some before all tasks have begun or after some are through. */
const SEEDS = 12n;
/** With adversarial drains one hangs in some 2,000 writes, and in tso in some 20,000: minutes. */
const SHAPE = {
  machine: "rhel16", variant: "bug", workload: "W003tm", pair: [0, 1] as [number, number],
  rounds: 100, memory: "tso-adv" as const,
};

/** The first run that ends with one of them asleep, and with all of them there. */
async function hungWithAll() {
  for (let seed = 1n; seed <= SEEDS; seed++) {
    const spec = { ...SHAPE, seed };
    const machine = await Machine.create(await optionsOf(case003, spec));
    const result = await machine.run();
    const findings = case003.examine({ machine, spec, result, console: "" });
    const tasks = machine.debugBlock()!.tasks();
    const users = tasks.filter(({ comm }) => comm === "oracle" || comm === "ls");
    if (findings.failure && users.length === TASKS) return { machine, findings, tasks, users };
    machine.close();
  }
  throw new Error(`no hang of ${TASKS} tasks with ${SEEDS} seeds`);
}

it("of 193 tasks all that do not hang wait for who hangs, each as in the dump", async () => {
  expect(shapeOf(SHAPE.workload).tasks).toBe(TASKS);
  const { machine, findings: { failure, counts }, tasks, users } = await hungWithAll();
  const asleep = (kind: number, among: readonly Task[]) => among.filter((task) =>
    task.state === TASK_UNINTERRUPTIBLE && task.sleepKind === kind);
  const hung = asleep(SLEEP_DISK, users);
  const locked = asleep(SLEEP_T_LOCKED, users);
  expect(failure!.invariant).toBe("I003a");
  expect(hung.length).toBeGreaterThan(0);
  expect(new Set(hung.map(({ comm }) => comm))).toEqual(new Set(["oracle"]));
  expect(locked).toHaveLength(TASKS - hung.length);
  expect(asleep(SLEEP_UPDATES, tasks).map(({ comm }) => comm)).toEqual(["kjournald"]);
  const fs = FsBlock.of(machine.debugBlock()!, machine.kernelVariable("smpbox_fs"))!;
  for (const { address, sleepObject } of hung) {
    expect(fs.dio(sleepObject)).toMatchObject({
      result: 0xe00n, refcount: 1n, waiter: address, size: 8192n,
    });
  }
  expect(fs.transaction()).toMatchObject({ state: "T_LOCKED", updates: hung.length });
  // What the row says of it.
  expect(counts).toMatchObject({
    "writers asleep on an ended request": hung.length,
    "of them with e00 bytes issued, and the dumps' numbers": hung.length,
    "kjournald on t_updates": 1, "tasks on T_LOCKED": locked.length, "tasks in all": TASKS,
    "bios of requests with one reference (I003b)": 0,
  });
  machine.close();
}, 400_000);
