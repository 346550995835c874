// The numbers of the bug report's session that follow from what is written where: R003 of W003, the
// second dump's tasks and writes of 1 MiB, on the machine as it is. The writer sleeps with reason
// here, its bio is under way; a run that hangs is in r003.test.ts, with writes of 8 KiB. At 1 MiB
// a direct write comes so seldom that no other's completion delays one at the wrong moment: in 630
// writes (30 seeds) the two sides never came within 3000 cycles, and it takes some 200.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import { SLEEP_DISK, TASK_UNINTERRUPTIBLE } from "../../src/machine/debug-block.ts";
import type { KernelTask } from "../../src/machine/tasks.ts";
import { reportOf } from "../../src/report/case-report.ts";
import { framesOf, registersOf } from "../../src/report/crash/backtrace.ts";
import { Session } from "../../src/report/crash/session.ts";
import { stateOf } from "../../src/report/crash/tasks.ts";
import type { Dump } from "./crash-session.ts";
import {
  ELSEWHERE, isSame, named, numberIn, OF_HANG, OF_PLACE, RULES, TEXTS, UNDER_WAY,
} from "./r003-fields.ts";
import { fieldsOf, framesIn, linesOf, readBack } from "./report-tools.ts";

const [, SECOND]: Dump[] = JSON.parse(
  readFileSync(new URL("session-003.json", import.meta.url), "utf8"));
/** Less than a bio takes. */
const STEP_CYCLES = 4000n;

afterAll(() => Machine.shutdown());

/** Until the first writer sleeps. */
async function writing(): Promise<Session> {
  const spec = {
    machine: "rhel16", variant: "bug", workload: "W003", pair: [0, 1] as [number, number],
    rounds: 2, memory: "tso" as const, seed: 1n,
  };
  const machine = await Machine.create(await optionsOf(case003, spec));
  const { image } = case003;
  for (;;) {
    const result = await machine.runTo(machine.view.now + STEP_CYCLES);
    if (result) throw new Error(`no writer slept: ${result.exit}`);
    const asleep = machine.debugBlock()?.tasks().some(({ state, sleepKind }) =>
      state === TASK_UNINTERRUPTIBLE && sleepKind === SLEEP_DISK);
    // It may be for a block of the file, before its first write.
    const session = asleep && new Session({ machine, image, seed: spec.seed, note: "" });
    if (session && session.tasks.some((task) => waits(session, task))) return session;
  }
}

/** Off its CPU, in dio_await_one(). */
function waits(session: Session, task: KernelTask): boolean {
  const registers = stateOf(task) === "UN" ? registersOf(session, task) : undefined;
  return task.runs === undefined && registers !== undefined &&
    framesOf(session, registers).some(({ name }) => name.startsWith("dio_await_one"));
}

describe("the first write of W003", () => {
  let session: Session;
  let fields: Map<string, bigint | undefined>;
  let texts: Map<string, string>;
  let frames: string[];
  let own: Record<string, string>;

  beforeAll(async () => {
    session = await writing();
    const report = await reportOf(case003.report!, session, {
      invariant: "none", what: "the write is under way", events: [], cause: "interleaving",
    }, session.machine.view.trace());
    fields = fieldsOf(report);
    texts = new Map(report.sections.flatMap(({ fields: all = [] }) => all)
      .map(({ name, text }) => [name, text]));
    ({ own } = await readBack(session, report));
    frames = framesIn(linesOf(report, "the writer that hangs"));
  }, 120_000);
  afterAll(() => session?.machine.close());

  it("has every number of the second dump", () => {
    const wanted = named(SECOND);
    const { count } = session.placeOf("$dio->pages")!.type as { count: number };
    const more: Record<string, bigint> = {
      pages: BigInt(count), task: session.named.get("$writer")!.lin,
    };
    const of = (name: string) => more[name] ?? fields.get(name) ?? numberIn(own[name] ?? "") ?? -1n;
    const text = (name: string) => texts.get(name) ?? own[name] ?? "";
    const compared = Object.keys(wanted).filter((name) =>
      !Object.hasOwn(ELSEWHERE, name) && !OF_HANG.includes(name));
    expect(compared.length).toBeGreaterThan(50);
    const wrong = compared.filter((name) => {
      const rule = OF_PLACE.includes(name) ? undefined : RULES[name];
      if (rule) return !rule(of);
      if (Object.hasOwn(TEXTS, name)) return !TEXTS[name](text);
      return !isSame(UNDER_WAY[name] ?? wanted[name], of(name), text(name));
    });
    expect(wrong.map((name) => `${name} ${text(name)}`)).toEqual([]);
    // Equal, not only by a rule.
    expect(OF_PLACE.map((name) => of(name))).toEqual(OF_PLACE.map((name) => BigInt(wanted[name])));
  });

  it("sleeps where the dump's writer does", () => {
    expect(frames.slice(0, 3)).toEqual(["schedule", "io_schedule", "dio_await_one"]);
  });
});
