// Who waits rightly: on a machine where one writer hangs, kjournald waits for it and all others for
// kjournald. None of these has lost a wake-up, and why says so in a line.
import { afterAll, beforeAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { SLEEP_MUTEX } from "../../src/machine/debug-block.ts";
import { execute } from "../../src/report/crash/commands.ts";
import type { Session } from "../../src/report/crash/session.ts";
import { rightWaits } from "../../src/report/why/waits.ts";
import { hungWriter } from "./report-tools.ts";

let session: Session;
/** Of the writer that hangs. */
let writer: number;
/** Those in the journal's queues. */
let queued: number[];

const run = async (line: string) => (await execute(session, line)).join("\n");
const pidsIn = (text: string) => [...text.matchAll(/^PID: (\d+) /gm)].map(([, pid]) => Number(pid));

beforeAll(async () => {
  ({ session } = await hungWriter());
  writer = session.task().pid;
  expect(await run("bt")).toContain(" dio_await_one__bug at ");
  queued = pidsIn(await run("waitq fs_journal->j_wait_updates"))
    .concat(pidsIn(await run("waitq fs_journal->j_wait_transaction_locked")));
}, 120_000);
afterAll(async () => {
  session.machine.close();
  await Machine.shutdown();
});

it("those in the queues of the locked transaction wait rightly, and nobody else", () => {
  const waits = rightWaits(session.guest, session.tasks);
  expect(queued.length).toBeGreaterThan(20);
  expect(waits.map(({ pid }) => pid).sort()).toEqual([...queued].sort());
  const [journal] = waits.filter(({ comm }) => comm === "kjournald");
  expect(journal.what).toBe("for the transaction's open handles: 1");
  expect(waits.filter(({ what }) => what === "for the transaction, which is locked"))
    .toHaveLength(queued.length - 1);
});

it("who waits for a mutex waits for its owner, if there is one", () => {
  const { guest, tasks } = session;
  const { buffer, byteOffset } = session.machine.view.ram;
  const { base } = session.machine.debugBlock()!;
  const memory = new DataView(buffer, byteOffset);
  const { place } = session.task(`${writer}`);
  const at = (path: string) => Number(session.member(place, path).lin - base);
  const was = [memory.getUint32(at("sleep.kind"), true),
    memory.getBigUint64(at("sleep.object"), true)] as const;
  memory.setUint32(at("sleep.kind"), SLEEP_MUTEX, true);
  // The word of a mutex points at its owner, and so does the kernel's table of tasks.
  const said = ["&tasks[3]", "&nr_cpus"].map((mutex) => {
    memory.setBigUint64(at("sleep.object"), session.evaluate(mutex), true);
    return rightWaits(guest, tasks).find(({ pid }) => pid === writer)?.what;
  });
  memory.setUint32(at("sleep.kind"), was[0], true);
  memory.setBigUint64(at("sleep.object"), was[1], true);
  const owner = tasks.find(({ place: own }) => own.lin === session.evaluate("tasks[3]"))!;
  expect(said).toEqual([`for a mutex that task ${owner.pid} (${owner.comm}) has`, undefined]);
});

it("whose transaction goes on does not: the record of the sleep alone says nothing", () => {
  const { buffer, byteOffset } = session.machine.view.ram;
  const { base } = session.machine.debugBlock()!;
  const memory = new DataView(buffer, byteOffset);
  const at = Number(session.placeOf("fs_journal->j_running_transaction->t_state")!.lin - base);
  const state = memory.getUint32(at, true);
  memory.setUint32(at, 2, true);
  const waits = rightWaits(session.guest, session.tasks);
  memory.setUint32(at, state, true);
  expect(waits.map(({ comm }) => comm)).toEqual(["kjournald"]);
});

it("why tells the one that is lost, and how many wait; with --all who, and for what", async () => {
  const first = (await run("why")).split("\n");
  const titles = first.filter((line) => line.startsWith("Lost wake-up"));
  expect(titles.map((title) => /task (\d+) /.exec(title)![1])).toEqual([`${writer}`]);
  expect(first.at(-1))
    .toBe(`${queued.length} tasks wait rightly, for what another one has to do: --all lists them.`);
  const all = (await run("why --all")).split("\n");
  expect(all.slice(0, first.length - 1)).toEqual(first.slice(0, -1));
  const listed = all.slice(first.length - 1);
  expect(listed.map((line) => Number(/^Task (\d+) \(\w+\) waits rightly for /.exec(line)![1])))
    .toEqual(session.tasks.map(({ pid }) => pid).filter((pid) => queued.includes(pid)));
  expect([...first, ...all].filter((line) => line.length > 80)).toEqual([]);
  // Of one task only what concerns it.
  expect(await run(`why ${writer}`)).toBe(first.slice(0, -2).join("\n"));
  const [, waiting] = queued;
  expect(await run(`why ${waiting}`)).toBe(listed.find((line) => line.includes(` ${waiting} `)));
  await expect(run("why --some")).rejects.toThrow(/usage: why/);
}, 300_000);
