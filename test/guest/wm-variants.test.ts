// The compiled variants of wM2 and wM7 of case M: their accesses and fences in order. Nothing may
// stand in a window that the systems do not have there.
import { type Instruction, Mnemonic, OpKind, Register } from "iced-x86";
import { describe, expect, it } from "vitest";
import { Code, readPrebuilt } from "./code.ts";

const { symbols } = readPrebuilt("wm");
const at = (name: string) => symbols.get(name)!.lin;

/** Members of struct waiter, from its `links`. */
const MEMBERS = new Map([[-16n, "entry.task"], [0n, "links.next"], [8n, "links.prev"]]);

const FENCES = new Map([[Mnemonic.Mfence, "mfence"], [Mnemonic.Sfence, "sfence"]]);

/** Variables by their addresses, and the members of the entry that a register points to. */
function placeOf(instruction: Instruction): string | undefined {
  const { memoryDisplacement: address, memoryBase } = instruction;
  const variables = new Map([
    [at("work"), "work"], [at("queue"), "queue"], [at("lock"), "lock"],
    [at("the_task"), "task.state"], [at("running"), "running[0]"],
    [at("running") + 64n, "running[1]"], [at("mutex"), "owner"], [at("mutex") + 4n, "waiters"],
    [at("kicks"), "kicks"],
  ]);
  if (memoryBase === Register.RIP) return variables.get(address);
  return MEMBERS.get(BigInt.asIntN(64, address));
}

/** `ld`, `st` or `locked` with what it is about; a fence; or undefined. */
function token(instruction: Instruction): string | undefined {
  const { mnemonic, op0Kind, op1Kind } = instruction;
  if (FENCES.has(mnemonic)) return FENCES.get(mnemonic);
  if (op0Kind !== OpKind.Memory && op1Kind !== OpKind.Memory) return undefined;
  const place = placeOf(instruction);
  if (place === undefined) return undefined;
  if (instruction.hasLockPrefix || mnemonic === Mnemonic.Xchg) return `locked ${place}`;
  return `${mnemonic === Mnemonic.Mov && op0Kind === OpKind.Memory ? "st" : "ld"} ${place}`;
}

/** The orders of all ways from the entry to a return or `syscall`, without waits; each once. */
function orders(name: string, ends: (i: Instruction) => boolean): string[] {
  const code = new Code("wm", name);
  const [first] = code.all;
  const ways = code.all.filter(ends).flatMap((end) => code.paths(first, end)
    .map((way) => [first, ...way]));
  const quiet = ways.filter((way) => !way.some((i) => i.mnemonic === Mnemonic.Pause));
  return [...new Set(quiet.map((way) => way.flatMap((i) => token(i) ?? []).join(", ")))];
}

const returns = (i: Instruction) => i.mnemonic === Mnemonic.Ret;

describe("wM2's completer", () => {
  const look = "st work, mfence, ld queue";
  const unlink = "ld links.prev, st links.prev, ld links.next, st links.next, st links.prev, " +
    "st links.next";

  it("takes the entry off and then reads its task, the next instruction", () => {
    const found = orders("complete_unlink_first", returns);
    expect(found).toContain(look);
    expect(found).toContain(`${look}, locked lock, ld queue, ld links.next, ${unlink}, ` +
      "ld entry.task, st task.state, st lock");
    const { all } = new Code("wm", "complete_unlink_first");
    const read = all.findIndex((i) => token(i) === "ld entry.task");
    expect(token(all[read - 1])).toBe("st links.next");
    // The entry, not a neighbour of it on the queue.
    expect(all[read - 1].memoryBase).toBe(all[read].memoryBase);
  });

  it("wakes first: taking the entry off is the last access to it", () => {
    const found = orders("complete_wake_first", returns);
    expect(found).toContain(look);
    expect(found).toContainEqual(expect.stringMatching(
      /mfence, ld queue, locked lock, .*ld entry.task, st task.state, ld links.*, st lock$/));
    const { all } = new Code("wm", "complete_wake_first");
    const last = all.findLastIndex((i) => token(i)?.includes("links."));
    expect(token(all[last])).toBe("st links.next");
    expect(all.slice(last).map(token)).not.toContain("ld entry.task");
  });
});

describe("wM7's mutex", () => {
  it("resume() publishes the thread, then has its fence", () => {
    const found = orders("resume", (i) => returns(i) && i.ip === firstReturn("resume"));
    // What it saves at the end is where to go back to.
    const kept = found.map((order) => order.replace("ld running[0], ", "")
      .replace(/, st links.next$/, ""));
    expect(kept.sort()).toEqual([
      "locked running[0]", "locked running[0], mfence", "locked running[0], sfence",
      "st running[0]", "st running[0], mfence", "st running[0], sfence",
    ]);
  });

  it("resume() has three stores of its own behind that one: what it goes back to", () => {
    const code = new Code("wm", "resume");
    const [store] = code.all.filter((i) => token(i) === "st running[0]");
    const end = code.all.find((i) => i.ip === firstReturn("resume"))!;
    const [way] = code.paths(store, end).sort((a, b) => a.length - b.length);
    const stores = way.filter((i) => i.mnemonic === Mnemonic.Push ||
      (i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory));
    expect(stores).toHaveLength(3);
  });

  it("the owner leaves by a plain store when it sees no waiters", () => {
    const found = orders("mutex_exit", (i) => returns(i) || i.mnemonic === Mnemonic.Syscall);
    expect(found.sort()).toEqual([
      "ld waiters, locked lock, st owner, st waiters, st lock, locked kicks",
      "ld waiters, st owner",
    ]);
  });

  it("who blocks says so, has his fence, and looks who runs, then who owns", () => {
    const found = orders("mutex_blocks", returns);
    const looks = "ld running[0], ld running[1], ld owner, ld waiters, st lock";
    for (const said of ["st waiters", "st waiters, mfence", "locked waiters"]) {
      expect(found).toContain(`locked lock, ${said}, ${looks}`);
    }
  });
});

function firstReturn(name: string): bigint {
  return new Code("wm", name).all.find(returns)!.ip;
}
