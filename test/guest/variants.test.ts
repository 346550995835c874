// The compiled variants of case 001: the labelled accesses, fences and releases of each in their
// order. The table says what each variant is meant to be; what the compiler made is what the case
// tests.
import { type Instruction, Mnemonic, OpKind } from "iced-x86";
import { describe, expect, it } from "vitest";
import { Code, readPrebuilt } from "./code.ts";

const { symbols } = readPrebuilt("kernel");
const nameAt = new Map([...symbols].map(([name, symbol]) => [symbol.lin, name]));

/** Offsets in struct kioctx and struct aio_ring. */
const LOCKS = new Map([[56n, "ctx_lock"], [32n, "wait.lock"]]);
const RING_TAIL = 12n;

const FENCES = new Map([
  [Mnemonic.Mfence, "mfence"], [Mnemonic.Sfence, "sfence"], [Mnemonic.Lfence, "lfence"],
  [Mnemonic.Cpuid, "cpuid"], [Mnemonic.In, "in"], [Mnemonic.Out, "out"],
]);

/** What an instruction does to the order of memory accesses, or undefined. */
function token(code: Code, instruction: Instruction): string | undefined {
  const { mnemonic, memoryDisplacement: at } = instruction;
  const toMemory = instruction.op0Kind === OpKind.Memory;
  const exchanges = mnemonic === Mnemonic.Xchg && toMemory;
  const locked = instruction.hasLockPrefix || exchanges;
  const label = code.labelOf(instruction);
  if (label !== undefined) return locked ? `${label} locked` : label;
  if (FENCES.has(mnemonic)) return FENCES.get(mnemonic);
  const lock = LOCKS.get(at);
  if (exchanges) return `release ${lock} by xchg`;
  if (locked) return `lock ${lock}`;
  const immediate = instruction.op1Kind === OpKind.Immediate32 && instruction.immediate32 === 1;
  if (lock && toMemory && mnemonic === Mnemonic.Mov && immediate) return `release ${lock}`;
  if (mnemonic === Mnemonic.Mov && !toMemory && at === RING_TAIL) return "read ring.tail";
  if (code.isCall(instruction)) return nameAt.get(instruction.nearBranchTarget);
  return undefined;
}

/** The orders of all ways from `from` to an instruction that `to` accepts, each once. */
function orders(code: Code, from: Instruction, to: (i: Instruction) => boolean): string[] {
  const ends = code.all.filter(to);
  const ways = ends.flatMap((end) => code.paths(from, end).map((way) => [from, ...way, end]));
  const quiet = ways.filter((way) => !way.some((i) => i.mnemonic === Mnemonic.Pause));
  return [...new Set(quiet.map((way) => way.flatMap((i) => token(code, i) ?? []).join(", ")))];
}

/** Between ctx_lock and its release: in layout 24 B stands before the release, in 9 after. */
const COMPLETERS: Record<string, { tail?: string; put?: string; look?: string; after?: string }> = {
  k0: {},
  k1: { put: "P, sfence" },
  k2: { put: "P, lfence" },
  k3: { put: "P, read ring.tail" },
  k4: { tail: "mfence, A2, A3" },
  k5: { after: "mfence" },
  k6: { tail: "A2 locked, A3" },
  k7: { put: "P, mfence" },
  k8: { tail: "A2, A3 locked" },
  k9: { tail: "A3, A2 locked" },
  k10: { put: "P locked" },
  k11: { look: "lock wait.lock, B, release wait.lock" },
  k12: { look: "wake_up" },
};

const COPIES = ["_24", "_24_xchg", "_9", "_9_xchg"];

function expectedOrder(variant: string, copy: string): string {
  const { tail = "A2, A3", put = "P", look = "B", after } = COMPLETERS[variant];
  const release = `release ctx_lock${copy.endsWith("xchg") ? " by xchg" : ""}`;
  const looks = [look, ...(after ? [after] : [])];
  const end = copy.startsWith("_9") ? [release, ...looks] : [...looks, release];
  return ["A1", tail, put, ...end].join(", ");
}

const completers: Array<[string, string]> = [
  ...Object.keys(COMPLETERS).flatMap((variant) => COPIES.map((copy): [string, string] =>
    [`aio_complete__${variant}${copy}`, expectedOrder(variant, copy)])),
  ["aio_complete__k13_9_xchg", "A1, A2, A3, P, release ctx_lock by xchg, B"],
];

describe("a completer, while a reference is left and nobody waits", () => {
  const rare = ["kiocb_release", "put_ioctx", "wake_up_locked"];
  it.each(completers)("%s: %s", (name, expected) => {
    const code = new Code("kernel", name);
    const found = orders(code, code.access("A1"), (i) => code.isReturn(i));
    // Ways that drop the last reference, or wake somebody, are in the order of the short one.
    const short = found.filter((order) => !rare.some((call) => order.includes(call)));
    const awake = expected.includes("wake_up") ? short : short.filter((o) => !/wake_up/.test(o));
    expect(awake).toEqual([expected]);
  });

  it.each(completers)("%s has ctx_lock before A1", (name) => {
    const code = new Code("kernel", name);
    const [lock] = code.all.filter((i) => i.hasLockPrefix);
    expect([lock.mnemonic, lock.memoryDisplacement]).toEqual([Mnemonic.Dec, 56n]);
    expect(orders(code, lock, (i) => i.ip === code.access("A1").ip)).toEqual(["lock ctx_lock, A1"]);
  });

  it("drops the last reference out of line, with a locked decrement of f_count", () => {
    const code = new Code("kernel", "aio_complete__k0_24");
    const found = orders(code, code.access("A3"), (i) => i.ip === code.access("B").ip);
    expect(found.sort()).toEqual(["A3, P, B", "A3, P, kiocb_release, B"]);
    const calls = new Code("kernel", "kiocb_release").calls.map((lin) => nameAt.get(lin));
    expect(calls).toContain("fput");
    expect(new Code("kernel", "fput").all.filter((i) => i.hasLockPrefix)).toHaveLength(1);
  });

  it("has between A3 and B one store, P: others would delay nothing, but hide the window", () => {
    const code = new Code("kernel", "aio_complete__k0_24");
    const ways = code.paths(code.access("A3"), code.access("B"));
    const short = ways.filter((way) => !way.some((i) => code.isCall(i)));
    expect(short).toHaveLength(1);
    const stores = short[0].filter(
      (i) => i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory,
    );
    expect(stores).toHaveLength(1);
  });
});

/** From the entry into the queue to the look at the ring. */
const REAPERS: Record<string, { enlist: string; look?: string }> = {
  a: { enlist: "add_wait_queue_exclusive, 1g locked" },
  b: { enlist: "prepare_to_wait_exclusive" },
  c: { enlist: "add_wait_queue_exclusive, 1g" },
  d: { enlist: "add_wait_queue_exclusive, 1g, sfence" },
  e: { enlist: "add_wait_queue_exclusive, 1g, lfence" },
  f: { enlist: "add_wait_queue_exclusive, 1g, mfence" },
  g: { enlist: "1g locked, add_wait_queue_exclusive" },
  h: { enlist: "add_wait_queue_exclusive_xchg, 1g" },
  i: { enlist: "add_wait_queue_exclusive, 1g", look: "2 locked" },
  j: { enlist: "add_wait_queue_exclusive, 1g", look: "lock ctx_lock, 2, release ctx_lock" },
};

const STARTS = /^(add_wait_queue|prepare_to_wait|1g)/;

describe("a reaper", () => {
  const copies = Object.entries(REAPERS).flatMap(([variant, { enlist }]) => [
    [`read_events__${variant}`, variant, enlist],
    [
      `read_events__${variant}_xchg`, variant,
      enlist.replace(/(add_wait_queue|prepare_to_wait)_exclusive(?!_)/, "$1_exclusive_xchg"),
    ],
  ]);
  it.each(copies)("%s (%s): %s", (name, variant, expected) => {
    const code = new Code("kernel", name);
    const look = symbols.get(`aio_read_evt__${variant}`)!.lin;
    const starts = code.all.filter((i) => STARTS.test(token(code, i) ?? ""));
    const isLook = (i: Instruction) => code.isCall(i) && i.nearBranchTarget === look;
    const found = orders(code, starts[0], isLook);
    expect(found.sort((a, b) => a.length - b.length)[0])
      .toBe(`${expected}, aio_read_evt__${variant}`);
  });

  const reapers = Object.entries(REAPERS);
  it.each(reapers)("aio_read_evt__%s looks without another lock", (variant, row) => {
    const code = new Code("kernel", `aio_read_evt__${variant}`);
    const first = code.all[0];
    const found = orders(code, first, (i) => code.isReturn(i));
    const empty = found.sort((a, b) => a.length - b.length)[0];
    expect(empty).toBe(row.look ?? "2");
    expect(code.access("2").memoryDisplacement).toBe(RING_TAIL);
  });
});

describe("the queue", () => {
  it.each([
    ["add_wait_queue_exclusive", "lock undefined, 1e, unlock"],
    ["add_wait_queue_exclusive_xchg", "lock undefined, 1e, release undefined by xchg"],
    ["prepare_to_wait_exclusive", "lock undefined, 1e, 1g locked, unlock"],
    ["prepare_to_wait_exclusive_xchg", "lock undefined, 1e, 1g locked, release undefined by xchg"],
  ])("%s: %s", (name, expected) => {
    // Here the lock is at offset 0 of what the function is given.
    const code = new Code("kernel", name);
    const lock = code.all.find((i) => i.hasLockPrefix)!;
    const isUnlock = (i: Instruction) =>
      i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory && i.memoryDisplacement === 0n &&
      i.op1Kind === OpKind.Immediate32 && i.immediate32 === 1;
    const ways = code.all.filter((i) => code.isReturn(i)).flatMap((end) => code.paths(lock, end));
    const found = new Set(ways.map((way) => [lock, ...way]
      .flatMap((i) => (isUnlock(i) ? "unlock" : (token(code, i) ?? []))).join(", ")));
    expect([...found]).toContain(expected);
    const [way] = code.paths(lock, code.access("1e"));
    const stores = way.filter((i) => i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory);
    expect(stores).toHaveLength(3); // 1b, 1c, 1d
  });
});
