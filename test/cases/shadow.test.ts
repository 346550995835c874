// The shadow map: whose an object is, by the allocators' labels, on lists made by hand and on the
// machine, where repaired code touches nothing that is free and the broken one does.
import { afterAll, describe, expect, it } from "vitest";
import { findCase } from "../../src/cases/index.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { ALLOCATOR, ShadowMap } from "../../src/cases/shadow.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

const OBJECT = 0x5000n;
const BYTES = 256n;
const REQUEST = { bytes: 448, next: 56, prev: 64 };
const REQUEST_AT = 0x20_0040n;

const shadow = () => new ShadowMap({
  slotAt: (phys) => phys < 0x10_0000n
    ? { object: phys - (phys % BYTES), type: "struct dio" } : undefined,
  request: REQUEST,
});
const at = (phys: bigint, kind: number, label = 0): TraceEvent =>
  ({ time: 0n, cpu: 0, kind, label, size: 8, phys, value: 0n, extra: 0 });
const taken = at(OBJECT, TRACE_LOAD, ALLOCATOR.SA);
const freed = at(OBJECT, TRACE_ISSUE, ALLOCATOR.SF);
const used = (kind = TRACE_LOAD, phys = OBJECT + 24n) => at(phys, kind, 46);
const lateIn = (...events: TraceEvent[]) => {
  const map = shadow();
  return events.map((event) => map.see(event) !== undefined);
};

describe("an object of the slab", () => {
  it("is late from its free until it is taken again, for every kind of access", () => {
    const kinds = [TRACE_LOAD, TRACE_ISSUE, TRACE_LOCKED];
    const uses = kinds.map((kind) => used(kind));
    expect(lateIn(taken, ...uses, freed, ...uses, taken, ...uses)).toEqual([
      false, false, false, false, false, true, true, true, false, false, false, false,
    ]);
  });

  it("is not late by a store that becomes visible after the free", () =>
    expect(lateIn(freed, used(TRACE_COMMIT))).toEqual([false, false]));

  it("may be linked anew by the allocator", () =>
    expect(lateIn(freed, at(OBJECT, TRACE_ISSUE, ALLOCATOR.SL))).toEqual([false, false]));

  it("is late when it is freed twice", () =>
    expect(lateIn(freed, freed)).toEqual([false, true]));

  it("ends where the next one begins", () => {
    expect(lateIn(freed, used(TRACE_LOAD, OBJECT + BYTES - 8n))).toEqual([false, true]);
    expect(lateIn(freed, used(TRACE_LOAD, OBJECT + BYTES))).toEqual([false, false]);
    expect(lateIn(freed, used(TRACE_LOAD, OBJECT - 8n))).toEqual([false, false]);
  });

  it("is told with its type and who freed it", () => {
    const map = shadow();
    map.see(freed);
    const event = used();
    expect(map.see(event)).toEqual({ object: OBJECT, type: "struct dio", event, freed });
  });
});

describe("a request of illumos' list", () => {
  const free = at(REQUEST_AT + BigInt(REQUEST.prev), TRACE_ISSUE, ALLOCATOR.RF);
  const take = at(REQUEST_AT + BigInt(REQUEST.next), TRACE_LOAD, ALLOCATOR.RA);
  const last = used(TRACE_LOAD, REQUEST_AT + BigInt(REQUEST.bytes) - 8n);
  const beyond = used(TRACE_LOAD, REQUEST_AT + BigInt(REQUEST.bytes));

  it("is late in all its bytes while it is on the list", () => {
    expect(lateIn(free, last, beyond, take, last)).toEqual([false, true, false, false, false]);
    expect(lateIn(free, used(TRACE_LOAD, REQUEST_AT))).toEqual([false, true]);
  });

  it("may be linked anew by the list", () => {
    const link = at(REQUEST_AT + BigInt(REQUEST.next), TRACE_ISSUE, ALLOCATOR.RL);
    expect(lateIn(free, link)).toEqual([false, false]);
  });
});

const COUNTED: Record<string, string> = {
  "000": "accesses to a free request, by the allocator's labels",
  "003": "of them by the allocator's labels",
  "004": "accesses to a request in the allocator's hands, by anybody",
};

async function lateOf(id: string, variant: string, workload: string, rounds: number, seed: bigint) {
  const definition = findCase(id);
  const { counts, broken, failure } = await runOnce(definition, {
    machine: definition.machine, variant, workload, pair: [0, 1], seed, rounds, memory: "tso",
  });
  return { late: counts![COUNTED[id]], broken, invariant: failure?.invariant };
}

describe("on the machine", () => {
  it.each([
    ["000", "f0", "W000", 300], ["003", "f0", "W003c", 3], ["004", "f1", "W004", 20],
  ])("case %s, %s: nobody touches what is free", async (id, variant, workload, rounds) => {
    expect(await lateOf(id, variant, workload, rounds, 1n))
      .toEqual({ late: 0, broken: undefined, invariant: undefined });
  }, 120_000);

  it("case 000, bug: every callback reads the request that it has freed", async () => {
    const { late, broken } = await lateOf("000", "bug", "W000n", 300, 1n);
    expect(broken).toBeUndefined();
    expect(late).toBeGreaterThan(300);
  }, 120_000);

  it.each([
    ["003", "f0+bug_on", "W003h", 100], ["004", "bug", "W004", 100],
  ])("case %s, %s: it is found", async (id, variant, workload, rounds) => {
    for (let seed = 1n; seed <= 10n; seed++) {
      if ((await lateOf(id, variant, workload, rounds, seed)).late) return;
    }
    throw new Error("no access to a free object in ten seeds");
  }, 500_000);
});
