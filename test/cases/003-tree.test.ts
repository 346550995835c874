// Case 003 with the tasks of the first dump, 192 writers and ls, at writes of 8 KiB: one writer
// hangs as the dump's, kjournald waits for it, and all others for kjournald.
import { afterAll, expect, it } from "vitest";
import { tasksOf } from "../../src/cases/003-workloads.ts";
import { case003 } from "../../src/cases/003.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_UNINTERRUPTIBLE,
} from "../../src/machine/debug-block.ts";
import { FsBlock } from "../../src/machine/fs-block.ts";

afterAll(() => Machine.shutdown());

const TASKS = 192 + 1;
/** Of the first ten eight hang with all tasks there, and three of those with one writer: 7 to 9. */
const SEEDS = { first: 7n, last: 12n };
/** With adversarial drains one hangs in some 1,000 writes, and in tso in some 20,000: minutes. */
const SHAPE = {
  machine: "rhel16", variant: "bug", workload: "W003tm", pair: [0, 1] as [number, number],
  rounds: 80, memory: "tso-adv" as const,
};

/** The first run that ends with one writer asleep on a request, and with all tasks there. */
async function hungWithAll() {
  for (let seed = SEEDS.first; seed <= SEEDS.last; seed++) {
    const spec = { ...SHAPE, seed };
    const machine = await Machine.create(await optionsOf(case003, spec));
    const result = await machine.run();
    const findings = case003.examine({ machine, spec, result, console: "" });
    const tasks = machine.debugBlock()!.tasks();
    const users = tasks.filter(({ comm }) => comm === "oracle" || comm === "ls");
    const hung = users.filter(({ state, sleepKind }) =>
      state === TASK_UNINTERRUPTIBLE && sleepKind === SLEEP_DISK);
    const ended = result.exit === "hang" && users.length === TASKS && hung.length === 1;
    if (ended) return { machine, findings, tasks, users, hung: hung[0] };
    machine.close();
  }
  throw new Error(`no hang of one writer with all of ${TASKS} tasks in seeds up to ${SEEDS.last}`);
}

it("of 193 tasks one hangs, and 192 wait for it as in the dump", async () => {
  expect(tasksOf(SHAPE.workload)).toBe(TASKS);
  const { machine, findings: { failure, counts }, tasks, users, hung } = await hungWithAll();
  const asleep = (kind: number, among: readonly Task[]) => among.filter((task) =>
    task.state === TASK_UNINTERRUPTIBLE && task.sleepKind === kind);
  expect(failure!.invariant).toBe("I003a");
  expect(hung.comm).toBe("oracle");
  expect(asleep(SLEEP_T_LOCKED, users)).toHaveLength(192);
  expect(asleep(SLEEP_UPDATES, tasks).map(({ comm }) => comm)).toEqual(["kjournald"]);
  const fs = FsBlock.of(machine.debugBlock()!, machine.kernelVariable("smpbox_fs"))!;
  expect(fs.dio(hung.sleepObject)).toMatchObject({
    result: 0xe00n, refcount: 1n, waiter: hung.address, size: 8192n,
  });
  expect(fs.transaction()).toMatchObject({ state: "T_LOCKED", updates: 1 });
  // What the row says of it.
  expect(counts).toMatchObject({
    "writers asleep on an ended request": 1,
    "of them with e00 bytes issued, and the dumps' numbers": 1,
    "kjournald on t_updates": 1, "tasks on T_LOCKED": 192, "tasks in all": TASKS,
    "bios of requests with one reference (I003b)": 0,
  });
  machine.close();
}, 400_000);
