// The compiled variants of direct I/O (cases 002 and 003): the labelled accesses, fences and uses
// of bio_lock of each in their order.
import { type Instruction, Mnemonic, OpKind } from "iced-x86";
import { describe, expect, it } from "vitest";
import { symbolIn } from "../../src/machine/elf.ts";
import { Code, readPrebuilt } from "./code.ts";

const kernel = readPrebuilt("kernel");
const { symbols } = kernel;
const nameAt = new Map([...symbols].map(([name, symbol]) => [symbol.lin, name]));

/** In struct dio: on the line of all that submitter and completion share. */
const BIO_LOCK = 0xccn;
const CALLS = /^(io_schedule|try_to_wake_up)$/;

function token(code: Code, instruction: Instruction): string | undefined {
  const { mnemonic, memoryDisplacement: at } = instruction;
  const toMemory = instruction.op0Kind === OpKind.Memory;
  const locked = instruction.hasLockPrefix || (mnemonic === Mnemonic.Xchg && toMemory);
  const label = code.labelOf(instruction);
  if (label !== undefined) return locked ? `${label} locked` : label;
  if (mnemonic === Mnemonic.Mfence) return "mfence";
  if (mnemonic === Mnemonic.Sfence) return "sfence";
  if (at === BIO_LOCK && locked) return "lock";
  const immediate = instruction.op1Kind === OpKind.Immediate32 && instruction.immediate32 === 1;
  if (at === BIO_LOCK && toMemory && mnemonic === Mnemonic.Mov && immediate) return "release";
  if (locked) return "locked";
  const called = code.isCall(instruction) ? nameAt.get(instruction.nearBranchTarget) : undefined;
  return called && CALLS.test(called) ? called : undefined;
}

/**
 * The tokens in the order of the addresses, from `from` to `to`; of the parts that stand apart only
 * what leads on counts, so loops of a contended lock are left out.
 */
function ways(name: string, from: string, to: string): string[] {
  const code = new Code("kernel", name);
  const start = code.access(from);
  const end = code.all.filter((i) => code.labelOf(i) === to).at(-1)!;
  const paths = start.ip === end.ip ? [[]] : code.paths(start, end);
  const quiet = paths.filter((path) => !path.some((i) => i.mnemonic === Mnemonic.Pause));
  const orders = quiet.map((path) =>
    [start, ...path, ...(start.ip === end.ip ? [] : [end])].flatMap((i) => token(code, i) ?? []));
  return [...new Set(orders.map((order) => order.join(", ")))]
    .sort((a, b) => a.length - b.length);
}

/** What stands around an access, in the order of the addresses. */
function around(name: string, label: string): string {
  const code = new Code("kernel", name);
  const tokens = code.all
    .filter((i) => i.mnemonic !== Mnemonic.Pause)
    .flatMap((i) => token(code, i) ?? []);
  const at = tokens.findIndex((text) => text.startsWith(label));
  const last = tokens.findLastIndex((text) => text.startsWith(label));
  const outside = new Set(["mfence", "lock", "release"]);
  const before = outside.has(tokens[at - 1]) ? [tokens[at - 1]] : [];
  const after = outside.has(tokens[last + 1]) ? [tokens[last + 1]] : [];
  return [...before, ...tokens.slice(at, last + 1), ...after].join(", ");
}

describe("case 002: the sum (S3)", () => {
  it.each([
    ["bug", "S3, S3"], ["fix2006", "S3, S3"], ["f1", "S3, S3"], ["x1", "lock, S3, S3, release"],
    ["x2", "S3 locked"], ["x3", "S3, S3"], ["x4", "mfence, S3, S3, mfence"],
  ])("%s: %s", (variant, expected) => {
    expect(around(`direct_io__${variant}`, "S3")).toBe(expected);
  });
});

describe("case 002: the error (D1)", () => {
  it.each([
    ["bug", "D1"], ["fix2006", "D1"], ["f1", "lock, D1, release"], ["x1", "lock, D1, release"],
    ["x2", "D1 locked"], ["x3", "D1"], ["x4", "mfence, D1, mfence"],
  ])("%s: %s", (variant, expected) => {
    expect(around(`dio_bio_complete__${variant}`, "D1")).toBe(expected);
  });

  it("has a word of its own where it is repaired", () => {
    const place = (variant: string, name: string, label: string) =>
      new Code("kernel", `${name}__${variant}`).access(label).memoryDisplacement;
    for (const [variant, apart] of [["bug", false], ["x3", false], ["fix2006", true]] as const) {
      const error = place(variant, "dio_bio_complete", "D1");
      const sum = place(variant, "finish_async", "S6");
      expect(error !== sum, variant).toBe(apart);
      expect(error >> 6n).toBe(sum >> 6n);
    }
  });
});

describe("case 002: what the submitter decides (S5, S6) and the completion (f1, f4)", () => {
  const variants = ["bug", "fix2006", "f1", "x1", "x2", "x3", "x4"];
  it.each(variants)("%s: no fence from S5 to S6", (variant) => {
    expect(ways(`finish_async__${variant}`, "S5", "S6")).toEqual(["S5, S6"]);
  });

  it.each([
    ["bug", "f1, f4"], ["fix2006", "f1, f2, f4"], ["f1", "f1, f2, release, f4"], ["x1", "f1, f4"],
    ["x2", "f1, f4"], ["x3", "f1, f4"], ["x4", "f1, f4"],
  ])("%s: %s", (variant, expected) => {
    expect(ways(`finished_one_bio__${variant}`, "f1", "f4")).toEqual([expected]);
  });
});

describe("case 003: the completion (E1 to E3)", () => {
  it.each([
    ["bug", "E1", "E3", "E1, E2 locked, E3"],
    ["f0", "E2", "E1", "E2, E2, E1"],
    ["f0_bug_on", "E2", "E1", "E2, E2, E1"],
    ["f1", "E2", "E1", "E2, E2, E1"],
    ["x1", "E1", "E3", "E1, mfence, E2 locked, E3"],
    ["x2", "E1", "E3", "E1, release, E2 locked, E3"],
    ["x2b", "E1", "E3", "E1, lock, E2 locked, release, E3"],
    ["x3", "E2", "E3", "E2 locked, E3"],
    ["x4", "E2", "E3", "E2 locked, lock, E3"],
    ["x5", "E2", "E3", "E2 locked, E3"],
    ["x6", "E2", "E3", "E2 locked, E3"],
    ["x6b", "E2", "E3", "E2 locked, E3"],
    ["x7", "E2", "E3", "E2 locked, E3"],
  ])("%s, %s to %s: %s", (variant, from, to, expected) => {
    expect(ways(`dio_bio_end_aio__${variant}`, from, to)[0]).toBe(expected);
  });

  it.each(["f0", "f0_bug_on"])("%s has bio_lock from E2 to the wake-up", (variant) => {
    expect(around(`dio_bio_end_aio__${variant}`, "E2")).toMatch(/^lock, E2, E2/);
    const code = new Code("kernel", `dio_bio_end_aio__${variant}`);
    const wake = code.all.find((i) => token(code, i) === "try_to_wake_up")!;
    const path = code.paths(code.access("E1"), wake)[0];
    expect(path.flatMap((i) => token(code, i) ?? [])).toEqual([]);
  });
});

describe("case 003: the submitter (W4 to W7)", () => {
  it.each([
    ["bug", "W4, W5 locked, W6, W7"], ["f0", "W4, W5 locked, W6, W7"],
    ["x1", "W4, W5 locked, W6, W7"], ["x2", "W4, W5 locked, W6, W7"],
    ["x3", "W4, W5 locked, W6, W7"], ["x4", "W4, W5 locked, W6, W7"],
  ])("%s: %s", (variant, expected) => {
    expect(ways(`dio_await_one__${variant}`, "W4", "W7")[0]).toBe(expected);
  });

  it.each([
    ["x5", "W4, W7, W5, W6"], ["x6", "W4, W7, W5, sfence, W6"], ["x6b", "W4, W5 locked, W7, W6"],
    ["x7", "W4, W7, W5 locked, W6"],
  ])("%s: %s", (variant, expected) => {
    expect(ways(`dio_await_one__${variant}`, "W4", "W6")[0]).toBe(expected);
  });

  it("looks at a request that it has given up, in f0_bug_on only", () => {
    const labels = (variant: string) =>
      new Code("kernel", `direct_io_refcount__${variant}`).labelNames;
    expect(labels("f0_bug_on")).toContain("W11");
    expect(labels("f0")).not.toContain("W11");
  });
});

describe("static functions of one name", () => {
  it("are all found by address, also the one that the name does not lead to", () => {
    const twins = kernel.named.filter(({ name }) => name === "dio_bio_end_aio__bug");
    expect(twins).toHaveLength(2); // of case 002's machine and of case 003's
    for (const twin of twins) {
      expect(symbolIn(kernel, twin.lin)).toBe(twin);
      expect(symbolIn(kernel, twin.lin + BigInt(twin.bytes) - 1n)).toBe(twin);
      expect(symbolIn(kernel, twin.lin - 1n)).not.toBe(twin);
      expect(symbolIn(kernel, twin.lin + BigInt(twin.bytes))).not.toBe(twin);
    }
  });
});
