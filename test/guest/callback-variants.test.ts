// The compiled variants of case 000: what each aio_port_callback() calls, with which mutex, and its
// fences, in their order; and what each form of the free list does to a request.
import { Decoder, type Instruction, Mnemonic, OpKind, Register } from "iced-x86";
import { describe, expect, it } from "vitest";
import { bytesAt, Code, readPrebuilt } from "./code.ts";

const kernel = readPrebuilt("kernel");
const { symbols } = kernel;
const nameAt = new Map([...symbols].map(([name, symbol]) => [symbol.lin, name]));

const TOLD: Record<string, string> = {
  aio_dequeue: "off portq", aphysio_unlock: "unlock pages", aio_note_read: "note",
  aio_copyout_result_port: "1.7", aio_req_free_port: "1.5",
};
const MUTEX: Record<string, string> = { mutex_enter: "enter", mutex_exit: "exit" };

/** Distances from the first argument, struct aio, in registers and in the frame. */
class Places {
  private readonly at = new Map<string, bigint>([[`r${Register.RDI}`, 0n]]);

  step(i: Instruction): void {
    const to = i.op0Kind === OpKind.Register ? `r${i.op0Register}` : `m${i.memoryDisplacement}`;
    let value: bigint | undefined;
    if (i.mnemonic === Mnemonic.Lea && i.memoryIndex === Register.None) {
      const base = this.at.get(`r${i.memoryBase}`);
      value = base === undefined ? undefined : BigInt.asIntN(64, base + i.memoryDisplacement);
    } else if (i.mnemonic === Mnemonic.Mov) {
      const fromFrame = i.op1Kind === OpKind.Memory && i.memoryBase === Register.RBP;
      value = this.at.get(fromFrame ? `m${i.memoryDisplacement}` : `r${i.op1Register}`);
    } else if (i.mnemonic === Mnemonic.Add && i.op0Kind === OpKind.Register) {
      const base = this.at.get(to);
      value = base === undefined || i.op1Kind === OpKind.Register ? undefined
        : base + BigInt.asIntN(64, i.immediate(1));
    } else if ([Mnemonic.Cmp, Mnemonic.Test, Mnemonic.Push].includes(i.mnemonic)) {
      return;
    }
    if (value === undefined) this.at.delete(to);
    else this.at.set(to, value);
  }

  /** After a call: what it may change. */
  called(): void {
    for (const register of [Register.RDI, Register.RSI, Register.RAX, Register.RCX, Register.RDX]) {
      this.at.delete(`r${register}`);
    }
  }

  get argument(): bigint | undefined {
    return this.at.get(`r${Register.RDI}`);
  }
}

/** The callbacks have no branches that matter: their steps are in the order of addresses. */
function stepsOf(name: string): string[] {
  const places = new Places();
  const steps: string[] = [];
  for (const i of new Code("kernel", name).all) {
    if (i.mnemonic === Mnemonic.Mfence) steps.push("mfence");
    const callee = i.isCallNear ? nameAt.get(i.nearBranchTarget) : undefined;
    if (callee === undefined) {
      places.step(i);
      continue;
    }
    if (MUTEX[callee]) steps.push(`${MUTEX[callee]} ${places.argument}`);
    else if (TOLD[callee]) steps.push(TOLD[callee]);
    places.called();
  }
  return steps;
}

const [, PORTQ] = stepsOf("aio_port_callback__bug")[0].split(" ");
const AIO = stepsOf("aio_port_callback__bug").find((s) => /^enter/.test(s) && !s.endsWith(PORTQ))!
  .split(" ")[1];

const START = ["enter portq", "off portq", "exit portq", "unlock pages"];
const CALLBACKS: Record<string, string[]> = {
  bug: ["enter aio", "1.5", "exit aio", "1.7", "note"],
  f0: ["enter aio", "1.7", "note", "1.5", "exit aio"],
  f1: ["enter aio", "note", "1.5", "exit aio", "1.7"],
  f2: ["1.7", "note", "enter aio", "1.5", "exit aio"],
  f3: ["enter aio", "exit aio", "1.7", "note", "enter aio", "1.5", "exit aio"],
  x1: ["enter aio", "mfence", "1.5", "mfence", "exit aio", "mfence", "1.7", "note"],
  x2: ["enter aio", "1.5", "exit aio", "enter portq", "1.7", "note", "exit portq"],
  x3: ["enter aio", "1.5", "exit aio", "enter aio", "1.7", "note", "exit aio"],
};

describe("a callback", () => {
  it("knows its two mutexes apart", () => expect(AIO).toMatch(/^\d+$/));

  it.each(Object.entries(CALLBACKS))("%s: %j", (variant, expected) => {
    const names = new Map([[PORTQ, "portq"], [AIO, "aio"]]);
    const steps = stepsOf(`aio_port_callback__${variant}`)
      .map((step) => step.replace(/(?<=^(enter|exit) )\S+$/, (at) => names.get(at) ?? at));
    expect(steps).toEqual([...START, ...expected]);
  });

  it("reads the flags first, then the length", () => {
    expect(new Code("kernel", "aio_copyout_result_port").labelNames).toEqual(["1_7f", "1_7l"]);
  });

  it("and a submitter stores the length after aio_mutex is released", () => {
    const code = new Code("kernel", "sys_aiorw");
    const setup = code.all.find((i) => nameAt.get(i.isCallNear ? i.nearBranchTarget : 0n) ===
      "aio_req_setup");
    expect(code.access("2_5").ip).toBeGreaterThan(setup!.ip);
  });
});

describe("the free list", () => {
  const zeroes = (name: string) => {
    const labels = new Code("kernel", name).labelNames;
    const calls = new Code("kernel", name).calls.map((lin) => nameAt.get(lin));
    return labels.includes("2_4b") || calls.includes("req_bzero");
  };
  it.each([
    ["aio_req_alloc", true], ["aio_req_alloc_fifo", true], ["aio_req_alloc_clean", false],
    ["aio_req_alloc_dirty", false], ["aio_req_free", false], ["aio_req_free_fifo", false],
    ["aio_req_free_clean", true],
  ])("%s zeroes the request: %s", (name, expected) => expect(zeroes(name)).toBe(expected));
});

/** In struct aio, the first argument; in struct aio_req; and how many there are at most. */
const AIO_FREE = 0x18n;
const FREE_LAST = 0x20n;
const FREE_COUNT = 0x28n;
const NEXT = 0x30n;
const PREV = 0x38n;
const IOV_LEN = 0x70n;
const REQ_BYTES = 0x1c0n;
const REQS_MAX = 256;
const FIFO_MIN = 8;

/** What an instruction stores, or calls, by name; the generations are a table. */
function stored(code: Code, i: Instruction): string | undefined {
  if (code.isCall(i)) {
    const callee = nameAt.get(i.nearBranchTarget);
    return callee === "aio_req_number" ? undefined : callee;
  }
  const stores = [Mnemonic.Mov, Mnemonic.Add, Mnemonic.Sub].includes(i.mnemonic);
  if (!stores || i.op0Kind !== OpKind.Memory) return undefined;
  const label = code.labelOf(i);
  const counts = i.mnemonic !== Mnemonic.Mov && i.memoryDisplacement === FREE_COUNT;
  const names = new Map([
    [AIO_FREE, "aio_free"], [FREE_LAST, "last"], [NEXT, "next"], [PREV, "prev"],
  ]);
  const place = counts ? "count" : i.memoryIndex !== Register.None ? "generation"
    : names.get(i.memoryDisplacement) ?? `+${i.memoryDisplacement}`;
  return label === undefined ? place : `${label} ${place}`;
}

/** The stores on each way through a function, from its first instruction to a return. */
function storesOf(name: string): string[] {
  const code = new Code("kernel", name);
  const first = code.all[0];
  const ways = code.all.filter((i) => code.isReturn(i)).flatMap((end) => code.paths(first, end));
  return [...new Set(ways.map((way) => way.flatMap((i) => stored(code, i) ?? []).join(", ")))];
}

describe("the free list's stores", () => {
  it("1.5 comes last: what makes the request free is visible after what it says of itself", () => {
    expect(storesOf("aio_req_free")).toEqual(["generation, next, RF prev, 1_5 aio_free"]);
  });

  it("x4 appends, to a list that has some and to one that is empty", () => {
    const ways = storesOf("aio_req_free_fifo").map((way) => way.replace(/(, )?count/, ""));
    expect(ways.sort()).toEqual([
      "generation, next, RF prev, RL next, last", "generation, next, RF prev, aio_free, last",
    ]);
  });

  it.each(["aio_req_alloc", "aio_req_alloc_fifo"])("%s takes (2.4a), then zeroes", (name) => {
    const ways = storesOf(name).filter((way) => way.includes("2_4a"))
      .map((way) => way.replace(", count", ""));
    expect([...new Set(ways)]).toEqual(["2_4a aio_free, generation, req_bzero"]);
  });

  it("x4 takes the oldest, and only if more than eight are idle or no other is left", () => {
    const code = new Code("kernel", "aio_req_alloc_fifo");
    const [first] = code.all;
    for (const way of code.paths(first, code.access("2_4a"))) {
      const compared = way.flatMap((i) => i.mnemonic === Mnemonic.Cmp ? [i.immediate(1)] : []);
      const min = BigInt(FIFO_MIN);
      expect([[min], [min, BigInt(REQS_MAX)]]).toContainEqual(compared);
      const loads = way.filter((i) => i.mnemonic === Mnemonic.Mov && i.op1Kind === OpKind.Memory);
      expect(loads.map((i) => i.memoryDisplacement).slice(-2)).toEqual([AIO_FREE, NEXT]);
    }
    const [count, branch] = code.all.filter(({ mnemonic }) =>
      [Mnemonic.Cmp, Mnemonic.Ja, Mnemonic.Jae, Mnemonic.Jbe].includes(mnemonic));
    expect([count.memoryDisplacement, Mnemonic[branch.mnemonic]]).toEqual([FREE_COUNT, "Ja"]);
  });

  it("2.4b zeroes ascending, up to iov_len, that, and the rest", () => {
    const code = new Code("kernel", "req_bzero");
    const ends = code.all.filter(({ mnemonic }) => mnemonic === Mnemonic.Lea);
    expect(ends.map((i) => i.memoryDisplacement)).toEqual([IOV_LEN, REQ_BYTES]);
    expect(code.labelNames).toEqual(["2_4b"]);
    const steps = code.all.filter(({ mnemonic }) => mnemonic === Mnemonic.Add);
    expect(steps.map((i) => i.immediate(1))).toEqual([8n, 8n, 8n]);
    const length = new Code("kernel", "sys_aiorw").access("2_5");
    expect(length.memoryDisplacement).toBe(IOV_LEN);
  });
});

describe("mutex_exit", () => {
  it("compares and stores, without a locked instruction", () => {
    const [start, end] = ["mutex_exit_start", "mutex_exit_end"].map((n) => symbols.get(n)!.lin);
    const decoder = new Decoder(64, bytesAt(kernel, start, Number(end - start)), 0);
    const found: string[] = [];
    while (decoder.canDecode) {
      const i = decoder.decode();
      found.push(`${i.hasLockPrefix ? "lock " : ""}${Mnemonic[i.mnemonic]}`);
    }
    expect(found).toEqual(["Cmp", "Jne", "Mov"]);
  });
});
