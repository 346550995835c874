// The compiled variants of case M: accesses, fences and releases of each copy in their order. A
// copy may have nothing in its window that the others of its kind have not, but its own fence: no
// branch on a variant, no access beside. Nothing may stand there that the systems do not have.
import { FlowControl, type Instruction, Mnemonic, OpKind, Register } from "iced-x86";
import { describe, expect, it } from "vitest";
import { STEP } from "../../src/cases/modern-trace.ts";
import { Code, manifest, readPrebuilt } from "./code.ts";

const { symbols } = readPrebuilt("wm");
const at = (name: string) => symbols.get(name)!.lin;
const nameAt = new Map([...symbols].map(([name, { lin }]) => [lin, name]));

/** Members of struct waiter, from its `links`. */
const MEMBERS = new Map([[-16n, "entry.task"], [0n, "links.next"], [8n, "links.prev"]]);
const FENCES = new Map([
  [Mnemonic.Mfence, "mfence"], [Mnemonic.Sfence, "sfence"], [Mnemonic.Lfence, "lfence"],
]);
const VARIABLES = new Map([
  [at("work"), "work"], [at("waiting"), "waiting"], [at("item"), "item"], [at("lock"), "lock"],
  [at("head"), "wait.lock"], [at("head") + 4n, "entry"], [at("queue"), "queue"],
  [at("the_task"), "state"], [at("runqueue"), "rq.lock"],
  [at("running"), "running[0]"], [at("running") + 64n, "running[1]"],
  [at("mutex"), "owner"], [at("mutex") + 4n, "waiters"], [at("kicks"), "kicks"],
]);

/** Variables by their addresses, and the members of the entry that a register points to. */
function placeOf({ memoryDisplacement, memoryBase }: Instruction): string | undefined {
  const place = VARIABLES.get(memoryDisplacement);
  if (memoryBase === Register.RIP) return place ?? `what is at ${memoryDisplacement.toString(16)}`;
  return MEMBERS.get(BigInt.asIntN(64, memoryDisplacement));
}

/** Another address than a function's: a jump that ends it. */
const isTailCall = (code: Code, { flowControl, nearBranchTarget }: Instruction) =>
  flowControl === FlowControl.UnconditionalBranch && nearBranchTarget !== code.entry &&
  nameAt.has(nearBranchTarget);

/** `ld`, `st` or `locked` with what it is about, its label before it; a fence; a call. */
function token(code: Code, instruction: Instruction): string | undefined {
  const { mnemonic, op0Kind, op1Kind } = instruction;
  if (FENCES.has(mnemonic)) return FENCES.get(mnemonic);
  if (code.isCall(instruction) || isTailCall(code, instruction)) {
    return nameAt.get(instruction.nearBranchTarget);
  }
  const touches = op0Kind === OpKind.Memory || op1Kind === OpKind.Memory;
  if (!touches || mnemonic === Mnemonic.Lea || mnemonic === Mnemonic.Nop) return undefined;
  const place = placeOf(instruction);
  if (place === undefined) return undefined;
  const locked = instruction.hasLockPrefix || mnemonic === Mnemonic.Xchg;
  const stores = mnemonic === Mnemonic.Mov && op0Kind === OpKind.Memory;
  const label = code.labelOf(instruction);
  return [...(label ? [label] : []), locked ? "locked" : stores ? "st" : "ld", place].join(" ");
}

/** The orders of all ways from the entry to a return, without waits; each once, sorted. */
function orders(
  name: string, ends = (code: Code, i: Instruction) => code.isReturn(i) || isTailCall(code, i),
): string[] {
  const code = new Code("wm", name);
  const [first] = code.all;
  const ways = code.all.filter((i) => ends(code, i)).flatMap((end) => code.paths(first, end)
    .map((way) => [first, ...way, end]));
  const quiet = ways.filter((way) => !way.some((i) => i.mnemonic === Mnemonic.Pause));
  const found = quiet.map((way) => way.flatMap((i) => token(code, i) ?? []).join(", "));
  return [...new Set(found)].sort();
}

/** What a window holds beside the store and the look. */
const FENCE: Record<string, string> = {
  none: "", wmb: "sfence, ", rmb: "lfence, ", mb: "mfence, ", or: "",
};
const how = (name: string) => (name === "or" ? "locked" : "st");

const PUBLISHERS = ["none", "wmb", "mb", "or"];
const SLEEPERS = ["none", "mb", "or"];

/** wM4, wM5 and wM8. */
const publishes = (name: string) =>
  `st item, PUBLISH ${how(name)} work, ${FENCE[name]}ASLEEP ld waiting`;
const underLock = (what: string) => `locked lock, ${what}, st lock`;
const flagged = (name: string) => (name === "or" ? "ENLIST locked waiting, "
  : `${underLock("ENLIST st waiting")}, ${FENCE[name]}`);
const enlists: Record<string, (name: string) => string> = {
  m4: (name) => `${flagged(name)}CHECK ld work`,
  m5: (name) => `ENLIST ${how(name)} waiting, ${FENCE[name]}CHECK ld work`,
  m8: (name) => `${flagged(name)}CHECK ld work`,
};

/** wM1, up to the look; behind it comes the wake-up of who is in the queue. */
const QUEUE_WAKERS: Record<string, string> = {
  none: "ASLEEP ld entry", wmb: "sfence, ASLEEP ld entry", rmb: "lfence, ASLEEP ld entry",
  mb: "mfence, ASLEEP ld entry", or: "ASLEEP ld entry",
  lock: "locked wait.lock, ASLEEP ld entry, st wait.lock",
};
const ENTERS = "locked wait.lock, ENLIST st entry, st wait.lock";
const QUEUE_SLEEPERS: Record<string, string> = {
  none: `${ENTERS}, STATE st state, CHECK ld work`,
  wmb: `${ENTERS}, STATE st state, sfence, CHECK ld work`,
  rmb: `${ENTERS}, STATE st state, lfence, CHECK ld work`,
  mb: `${ENTERS}, STATE st state, mfence, CHECK ld work`,
  or: `${ENTERS}, STATE locked state, CHECK ld work`,
  queued: "locked wait.lock, ENLIST st entry, STATE locked state, st wait.lock, CHECK ld work",
  before: `STATE locked state, ${ENTERS}, CHECK ld work`,
  unlock: "locked wait.lock, ENLIST st entry, locked wait.lock, STATE st state, CHECK ld work",
  read: `${ENTERS}, STATE st state, CHECK locked work`,
};

/** wM6: the first try to take the lock has a label, those that follow have none. */
const takes = (order: string) =>
  ["TAKE locked lock", "TAKE locked lock, locked lock"].map((first) => `${first}, ${order}`);

/** wM7: who blocks stops looking at the first answer that tells him not to. */
const BLOCKS = ["CHECK ld running[0]", "ld running[1]", "ld owner", "ld waiters"];
const blocks = (name: string) => BLOCKS.map((_, i) => underLock(
  `ENLIST ${how(name)} waiters, ${FENCE[name]}${BLOCKS.slice(0, i + 1).join(", ")}`));

/** Every copy by its name, with all ways through it. */
const COPIES: Record<string, string[]> = Object.fromEntries([
  ...Object.entries(enlists).flatMap(([model, enlist]) => [
    ...PUBLISHERS.map((name) => [`${model}_publish_${name}`, [publishes(name)]]),
    ...SLEEPERS.map((name) => [`${model}_enlist_${name}`, [enlist(name)]]),
  ]),
  ...Object.entries(QUEUE_WAKERS).map(([name, look]) => {
    const order = `st item, PUBLISH ${how(name)} work, ${look}`;
    return [`m1_publish_${name}`, [order, `${order}, queue_wake`]];
  }),
  ["m1_publish_wake", ["st item, PUBLISH st work, queue_wake"]],
  ...Object.entries(QUEUE_SLEEPERS).map(([name, order]) => [`m1_enlist_${name}`, [order]]),
  ["m6_publish", takes("st item, PUBLISH st work, ASLEEP ld waiting, st lock")],
  ["m6_enlist", takes("ENLIST st waiting, CHECK ld work, st lock")],
  ...PUBLISHERS.map((name) => [`m7_resume_${name}`, [
    ["ld running[0]", `PUBLISH ${how(name)} running[0]`, ...FENCE[name].split(", ").slice(0, -1)]
      .join(", "),
  ]]),
  ...SLEEPERS.map((name) => [`m7_blocks_${name}`, blocks(name)]),
]);

const isFirstReturn = (code: Code, i: Instruction) =>
  i.ip === code.all.find((other) => code.isReturn(other))!.ip;

describe("the copies", () => {
  it.each(Object.entries(COPIES))("%s: %j", (name, expected) => {
    // resume() goes back to its own end; what it does up to there is its window.
    const found = name.startsWith("m7_resume") ? orders(name, isFirstReturn) : orders(name);
    expect(found.map((order) => order.replace(/, links.*|, st links.next$/, "")))
      .toEqual([...expected].sort());
  });

  it("are all that the image has", () => {
    const made = [...symbols.keys()].filter((name) =>
      /^m\d_(publish|enlist)(_|$)|^m7_(resume|blocks)_|^complete_/.test(name));
    expect(made.sort()).toEqual(
      [...Object.keys(COPIES), "complete_unlink_first", "complete_wake_first"].sort());
  });

  it("have no branch in a window, up to the look, but for a lock that is taken", () => {
    for (const name of Object.keys(COPIES).filter((copy) => /_publish_(?!wake)/.test(copy))) {
      const code = new Code("wm", name);
      const look = code.access("ASLEEP");
      const ways = code.paths(code.access("PUBLISH"), look)
        .filter((way) => !way.some((i) => i.mnemonic === Mnemonic.Pause));
      const branches = ways.flat().filter((i) => i.flowControl === FlowControl.ConditionalBranch);
      expect(branches, name).toHaveLength(name === "m1_publish_lock" ? 1 : 0);
    }
  });

  it("have the labels that the host reads", () => {
    const ids = new Map(manifest.images.wm.marks.map(({ name, id }) => [name, id]));
    expect(Object.fromEntries(ids)).toEqual(STEP);
  });
});

describe("wM2's completer", () => {
  const look = "st work, mfence, ld queue";
  const unlink = "ld links.prev, st links.prev, ld links.next, st links.next, st links.prev, " +
    "UNLINK st links.next";

  it("takes the entry off and then reads its task, the next access", () => {
    const found = orders("complete_unlink_first");
    expect(found).toContain(look);
    expect(found).toContain(`${look}, locked lock, ld queue, ld links.next, ${unlink}, ` +
      "TASK ld entry.task, st state, st lock");
    const code = new Code("wm", "complete_unlink_first");
    const [off, read] = [code.access("UNLINK"), code.access("TASK")];
    // Between them there is the mark of the second, and it is the entry, not a neighbour of it.
    expect(code.paths(off, read).map((way) => way.map((i) => i.mnemonic)))
      .toContainEqual([Mnemonic.Nop]);
    expect(off.memoryBase).toBe(read.memoryBase);
  });

  it("wakes first: taking the entry off is the last access to it", () => {
    const found = orders("complete_wake_first");
    expect(found).toContain(look);
    expect(found).toContain(`${look}, locked lock, ld queue, ld links.next, TASK ld entry.task, ` +
      "st state, ld links.prev, ld links.next, st links.prev, ld links.next, st links.next, " +
      "st links.prev, UNLINK st links.next, st lock");
  });
});

describe("wM7's mutex", () => {
  it("resume() has three stores of its own behind that one: what it goes back to", () => {
    for (const name of PUBLISHERS) {
      const code = new Code("wm", `m7_resume_${name}`);
      const end = code.all.find((i) => code.isReturn(i))!;
      const [way] = code.paths(code.access("PUBLISH"), end);
      const stores = way.filter((i) => i.mnemonic === Mnemonic.Push ||
        (i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory));
      expect(stores, name).toHaveLength(3);
    }
  });

  it("the owner leaves by a plain store when it sees no waiters", () => {
    const isEnd = (code: Code, i: Instruction) =>
      code.isReturn(i) || i.mnemonic === Mnemonic.Syscall;
    expect(orders("mutex_exit", isEnd).map((order) => order.replace(/(kicks), .*/, "$1")))
      .toContain("ASLEEP ld waiters, st owner");
  });
});

it("wM1 wakes whom it finds in the queue, if his task is asleep by then", () => {
  const found = orders("queue_wake");
  const asks = "locked wait.lock, ASLEEP ld entry";
  expect(found).toEqual([
    `${asks}, locked rq.lock, TASK ld state, RESET st state, st rq.lock, st wait.lock`,
    `${asks}, locked rq.lock, TASK ld state, st rq.lock, st wait.lock`,
    `${asks}, st wait.lock`,
  ]);
});
