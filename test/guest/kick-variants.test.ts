// The compiled variants of case 004: the labelled accesses and fences of the wake function and of a
// try, and where they hold ctx_lock.
import { type Instruction, Mnemonic, OpKind } from "iced-x86";
import { describe, expect, it } from "vitest";
import { Code } from "./code.ts";

const CTX_LOCK = 56n;

function token(code: Code, instruction: Instruction): string | undefined {
  const { mnemonic, memoryDisplacement: at } = instruction;
  const toMemory = instruction.op0Kind === OpKind.Memory;
  const label = code.labelOf(instruction);
  if (label !== undefined) return instruction.hasLockPrefix ? `${label} locked` : label;
  if (mnemonic === Mnemonic.Mfence) return "mfence";
  if (at !== CTX_LOCK || !toMemory) return undefined;
  if (instruction.hasLockPrefix) return "lock";
  const free = instruction.op1Kind === OpKind.Immediate32 && instruction.immediate32 === 1;
  return mnemonic === Mnemonic.Mov && free ? "release" : undefined;
}

/** The ways between two accesses, the shortest first, without the loop of a contended lock. */
function ways(name: string, from: string, to: string): string[] {
  const code = new Code("kernel", name);
  const start = code.access(from);
  const end = code.access(to);
  const quiet = code.paths(start, end)
    .filter((path) => !path.some((i) => i.mnemonic === Mnemonic.Pause));
  const orders = quiet.map((path) =>
    [start, ...path, end].flatMap((i) => token(code, i) ?? []).join(", "));
  return [...new Set(orders)].sort((a, b) => a.length - b.length);
}

const way = (name: string, from: string, to: string) => ways(name, from, to)[0];

/** Is ctx_lock taken on the way from the entry to the access? */
function lockedBefore(name: string, label: string): boolean {
  const code = new Code("kernel", name);
  const end = code.access(label);
  const before = code.all.filter((i) => i.ip < end.ip).flatMap((i) => token(code, i) ?? []);
  return before.filter((text) => text === "lock").length >
    before.filter((text) => text === "release").length;
}

describe("the wake function", () => {
  it.each([
    ["bug", false, "Q1, Q3 locked, Q4, lock, Q6"],
    ["f0", true, "Q1, Q3 locked, Q6"],
    ["f0p", true, "Q1, Q3 locked, Q6"],
    ["f1", false, "Q1, lock, Q3 locked, Q4, Q6"],
    ["x1", false, "Q1, Q3 locked, Q4, lock, Q6"],
    ["x2", false, "Q1, lock, Q3 locked, Q4, Q6"],
    ["x3", true, "Q1, release, Q3 locked, Q4, lock, Q6"],
    ["x4", false, "Q1, Q3 locked, Q4, lock, Q6"],
    ["x5", false, "Q1, mfence, Q3 locked, mfence, Q4, lock, Q6"],
    ["x6", false, "Q1, Q3 locked, Q4, lock, Q6"],
  ])("%s, ctx_lock held at Q1: %s: %s", (variant, held, expected) => {
    const name = `aio_wake_function__${variant}`;
    expect(way(name, "Q1", "Q6")).toBe(expected);
    expect(lockedBefore(name, "Q1")).toBe(held);
  });
});

describe("who is taken out of the queue", () => {
  it.each(["bug", "f0", "f0p", "f1", "x1", "x2", "x3", "x4", "x5", "x6"])(
    "%s: its next and then its prev, as list_del_init() stores them", (variant) => {
      const code = new Code("kernel", `aio_wake_function__${variant}`);
      // The entry is at RAX, task_list of ki_wait 0x18 bytes into what RDI points to: its prev is
      // stored through either.
      const entry = code.all.findIndex(({ ip }) => ip === code.access("Q1").ip);
      const [prev] = code.all.slice(entry + 1).filter(({ mnemonic, op0Kind }) =>
        mnemonic === Mnemonic.Mov && op0Kind === OpKind.Memory);
      expect([8n, 0x20n]).toContain(prev.memoryDisplacement);
      expect(prev.op1Register).toBe(code.all[entry].op1Register);
    });
});

describe("a try that has to wait", () => {
  it.each([
    ["bug", "P3, lock, P7"], ["f0p", "P3, lock, P7"], ["x2", "P3, lock, P7"],
    ["x5", "P3, lock, P7"], ["x6", "P3, lock, P7"],
    ["f0", "P3, P7"], ["x1", "P3, P7"], ["x3", "P3, P7"],
  ])("%s: %s", (variant, expected) => {
    expect(way(`aio_run_iocb__${variant}`, "P3", "P7")).toBe(expected);
  });

  it.each(["bug", "f0", "f0p", "x1", "x2", "x3", "x5", "x6"])(
    "%s marks the request (P4) where P3 has found no queue, and only there", (variant) => {
      const name = `aio_run_iocb__${variant}`;
      const short = way(name, "P3", "P7");
      expect(ways(name, "P3", "P7")).toEqual([short, short.replace("P3", "P3, P4 locked")]);
      const code = new Code("kernel", name);
      const [path] = code.paths(code.access("P3"), code.access("P4"));
      const [compare, branch] = [code.access("P3"), ...path].filter(
        ({ mnemonic }) => mnemonic !== Mnemonic.Mov && mnemonic !== Mnemonic.Nop);
      expect(compare.mnemonic).toBe(Mnemonic.Cmp);
      expect([Mnemonic.Je, Mnemonic.Jne]).toContain(branch.mnemonic);
      const stores = path.filter((i) =>
        i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory);
      expect(stores).toEqual([]);
    });

  it.each(["f1", "x4"])("%s has no second opinion", (variant) => {
    const labels = new Code("kernel", `aio_run_iocb__${variant}`).labelNames;
    expect(labels).not.toContain("P3");
    expect(labels).toContain("P7");
  });
});
