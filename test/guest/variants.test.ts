// The compiled variants of aio_complete() and the reaper's path: the labelled accesses in their
// order, and exactly the fences that each variant is meant to have. What the compiler made is
// what the case tests.
import { FlowControl, type Instruction, Mnemonic, OpKind } from "iced-x86";
import { describe, expect, it } from "vitest";
import { Code, readPrebuilt } from "./code.ts";

/** Does it wait for the store buffer (SDM Vol. 3A, "Memory Ordering")? */
function isFence(instruction: Instruction): boolean {
  const { mnemonic } = instruction;
  const exchanges = mnemonic === Mnemonic.Xchg && instruction.op0Kind === OpKind.Memory;
  const { Mfence, Cpuid, In, Out } = Mnemonic;
  const serialises = [Mfence, Cpuid, In, Out].includes(mnemonic);
  return instruction.hasLockPrefix || exchanges || serialises;
}

const isCall = (instruction: Instruction) => instruction.flowControl === FlowControl.Call;
const isStore = (i: Instruction) => i.mnemonic === Mnemonic.Mov && i.op0Kind === OpKind.Memory;
const isLoad = (i: Instruction) => i.mnemonic === Mnemonic.Mov && i.op1Kind === OpKind.Memory;

describe.each([
  { variant: "k0", fences: [] as Mnemonic[] },
  { variant: "k7", fences: [Mnemonic.Mfence] },
])("aio_complete__$variant", ({ variant, fences }) => {
  const code = new Code("kernel", `aio_complete__${variant}`);

  it("has the labelled accesses in their order, each directly behind its mark", () => {
    expect(code.labelNames).toEqual(["A1", "A2", "A3", "P", "B"]);
    for (const label of ["A1", "A2", "A3", "P"]) expect(isStore(code.access(label))).toBe(true);
    expect(isLoad(code.access("B"))).toBe(true);
  });

  it("takes ctx_lock by a locked decrement before A1 and frees it by a plain store after B", () => {
    const locks = code.all.filter((i) => i.hasLockPrefix);
    expect(locks.map((i) => [i.mnemonic, i.memoryDisplacement])).toEqual([[Mnemonic.Dec, 56n]]);
    expect(locks[0].ip).toBeLessThan(code.access("A1").ip);
    const unlock = code.all.find((i) => isStore(i) && i.op1Kind === OpKind.Immediate32);
    expect([unlock!.memoryDisplacement, unlock!.immediate32]).toEqual([56n, 1]);
    expect(unlock!.ip).toBeGreaterThan(code.access("B").ip);
  });

  it("stores the event, then A2, then A3, with no fence and no branch between", () => {
    const ways = code.paths(code.access("A1"), code.access("A3"));
    expect(ways).toHaveLength(1);
    expect(ways[0].filter(isFence)).toEqual([]);
    expect(ways[0].filter(isStore)).toHaveLength(4); // data, res, res2, A2
  });

  it("has its fences and no others between A3 and B when a reference is left", () => {
    const ways = code.paths(code.access("A3"), code.access("B"));
    const short = ways.filter((way) => !way.some(isCall));
    expect(short).toHaveLength(1);
    expect(short[0].filter(isFence).map((i) => i.mnemonic)).toEqual(fences);
    // Of stores there is P alone: what else sat in the buffer would delay nothing, but hide the
    // window.
    expect(short[0].filter(isStore)).toHaveLength(1);
  });

  it("drops the last reference out of line", () => {
    const ways = code.paths(code.access("A3"), code.access("B"));
    const long = ways.filter((way) => way.some(isCall));
    expect(long).toHaveLength(1);
    const { symbols } = readPrebuilt("kernel");
    const calls = (code: Instruction[]) => code.filter(isCall).map((i) => i.nearBranchTarget);
    expect(calls(long[0])).toEqual([symbols.get("kiocb_release")!.lin]);
    // There f_count goes down by a locked decrement: a full fence, by accident.
    expect(calls(new Code("kernel", "kiocb_release").all)).toContain(symbols.get("fput")!.lin);
    expect(new Code("kernel", "fput").all.filter((i) => i.hasLockPrefix)).toHaveLength(1);
  });
});

describe("the reaper", () => {
  it("queues itself between a locked decrement and a plain unlock", () => {
    const code = new Code("kernel", "add_wait_queue_exclusive");
    expect(code.labelNames).toEqual(["1e"]);
    expect(isStore(code.access("1e"))).toBe(true);
    const lock = code.all.find((i) => i.hasLockPrefix)!;
    const [way] = code.paths(lock, code.access("1e"));
    expect(way.filter(isStore)).toHaveLength(3); // 1b, 1c, 1d
    const after = code.all.filter((i) => i.ip > code.access("1e").ip);
    expect(after.filter(isStore)).toHaveLength(1); // 1f
    expect(after.filter(isFence)).toEqual([]);
  });

  it("sets its state by an exchange and then looks at the ring", () => {
    const code = new Code("kernel", "read_events");
    expect(code.labelNames).toEqual(["1g"]);
    const exchange = code.access("1g");
    expect([exchange.mnemonic, exchange.op0Kind]).toEqual([Mnemonic.Xchg, OpKind.Memory]);
    const after = code.all.filter((i) => i.ip > exchange.ip);
    const look = readPrebuilt("kernel").symbols.get("aio_read_evt")!.lin;
    const between = after.slice(0, after.findIndex(isCall) + 1);
    expect(between.at(-1)!.nearBranchTarget).toBe(look);
    expect(between.filter(isFence)).toEqual([]);
  });

  it("loads ring.tail in step 2 before it takes any lock", () => {
    const code = new Code("kernel", "aio_read_evt");
    expect(code.labelNames).toEqual(["2"]);
    const load = code.access("2");
    expect(isLoad(load)).toBe(true);
    expect(load.memoryDisplacement).toBe(12n);
    const before = code.all.filter((i) => i.ip < load.ip);
    expect(before.filter(isFence)).toEqual([]);
  });
});
