// waitq of a wait queue, of what has exactly one, and of what is none: it says what it needs.
import { afterAll, beforeAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { execute } from "../../src/report/crash/commands.ts";
import type { Session } from "../../src/report/crash/session.ts";
import { hungReaper } from "./report-tools.ts";

let session: Session;
let machine: Machine;
/** The context on which a task sleeps for ever, and that task. */
let context: string;
let reaper: string;

beforeAll(async () => {
  session = await hungReaper();
  machine = session.machine;
  const block = machine.debugBlock()!;
  context = `((struct kioctx*)0x${block.kioctxs()[0].address.toString(16)})`;
  const task = block.tasks().find(({ sleepKind, state }) => sleepKind === 2 && state === 1)!;
  reaper = `PID: ${task.pid}`;
}, 180_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
});

const run = async (line: string) => (await execute(session, line)).join("\n");

it("a queue, its address, a pointer to it, and a struct with exactly one", async () => {
  const place = session.placeOf(`${context}->wait`)!.lin.toString(16);
  for (const queue of [`${context}->wait`, `&${context}->wait`, place, `0x${place}`]) {
    expect(await run(`waitq ${queue}`)).toMatch(new RegExp(`^${reaper} `));
  }
  // Of two kinds: the pointer, and the struct that it leads to.
  for (const one of [context, `*${context}`]) {
    const [note, row, ...more] = (await run(`waitq ${one}`)).split("\n");
    expect(note).toBe("(the wait queue of struct kioctx is its member wait)");
    expect(row).toMatch(new RegExp(`^${reaper} `));
    expect(more).toEqual([]);
  }
});

it("what is no wait queue: what it is, and what could be asked instead", async () => {
  await expect(run("waitq buckets[48]")).rejects.toThrow(
    /^buckets\[48\] is struct bucket, which is no wait queue.* -H buckets\[48\]\.waiters$/);
  await expect(run("waitq &buckets[48]")).rejects.toThrow(/-H \(&buckets\[48\]\)->waiters$/);
  await expect(run("waitq fs_journal")).rejects.toThrow(
    /has 3 wait queues: give one of .*fs_journal\.j_wait_updates/);
  expect(await run("waitq fs_journal.j_wait_updates")).toMatch(/is empty$/);
  await expect(run("waitq nr_cpus")).rejects.toThrow(/^nr_cpus is unsigned int, which is no wait/);
  expect(await run("list task.run_list -H buckets[48].waiters")).toBe("(empty)");
});

it("an entry without a task is told by its function, and what has none is no entry", async () => {
  const at = session.placeOf(`${context}->wait`)!.lin;
  const [, next] = /next = 0x(\w+)/.exec(await run(`px ${context}->wait.task_list`))!;
  const entry = BigInt(`0x${next}`) -
    session.member({ lin: 0n, type: session.type("wait_queue") }, "task_list").lin;
  const memory = new DataView(machine.view.ram.buffer, machine.view.ram.byteOffset);
  const word = (member: string) => Number(session.member(
    { lin: entry, type: session.type("wait_queue") }, member).lin - machine.debugBlock()!.base);
  const stored = (member: string, value: bigint, then: () => Promise<void>) => {
    const before = memory.getBigUint64(word(member), true);
    memory.setBigUint64(word(member), value, true);
    return then().finally(() => memory.setBigUint64(word(member), before, true));
  };
  const line = `waitq ${at.toString(16)}`;
  await stored("private", 0n, async () => expect(await run(line))
    .toBe(`(no task) ENTRY: ${entry.toString(16)}  FUNC: default_wake_function`));
  for (const [member, value] of [["func", 0n], ["func", entry], ["private", entry]] as const) {
    await stored(member, value, () => expect(run(line)).rejects
      .toThrow(/no wait queue, as what is on its list is no struct wait_queue/));
  }
  expect(await run(line)).toMatch(new RegExp(`^${reaper} `));
});
