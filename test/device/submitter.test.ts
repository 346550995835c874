// The interrupt policy `submitter` with several CPUs that use one disk at a time: each of them gets
// the interrupts of its own commands, and finds those alone in the used ring.
import { describe, expect, it } from "vitest";
import { type DiskBox, Driver } from "./disk-box.ts";
import { DATA, IN, LEVEL, LOGICAL, LOWEST, redirect, request, start, STATUS, VECTOR } from
  "./requests.ts";

const CPUS = 16;
/** Requests that the driver's 16 descriptors are enough for. */
const SLOTS = 5;
const STEP = 50n;
const CYCLES_MAX = 10_000_000n;
/** A write to a register takes 350 cycles here, a transfer up to 450: the index has been read. */
const READ = 900;
/** From the interrupt to its handler: several commands end meanwhile. */
const HANDLER = 5000n;

interface Submission {
  cpu: number;
  /** Cycles before the next one. */
  pause: bigint;
  requests: number;
}

/** Who submitted each request, and on which CPU the handler found it. */
type Found = Array<[submitter: number, handler: number]>;

class Guest {
  readonly found: Found = [];
  readonly box: DiskBox;
  private readonly driver: Driver;
  private readonly owner = new Map<number, { cpu: number; slot: number }>();
  private readonly slots = Array.from({ length: SLOTS }, (_, slot) => slot);
  private handled = 0;

  constructor(words: string, seed: number) {
    const { box, driver } = start(words, { cpus: CPUS, seed, policy: "submitter" });
    redirect(box, VECTOR | LEVEL | LOWEST | LOGICAL, 0xff << 24);
    this.box = box;
    this.driver = driver;
  }

  /** As under the driver's lock: entries, index, register. The CPU does not wait. */
  submit({ cpu, pause, requests }: Submission): void {
    for (let i = 0; i < requests; i++) {
      while (!this.slots.length) this.step();
      const slot = this.slots.pop()!;
      const data = [{ phys: DATA + slot * 512, bytes: 512, writable: true }];
      const head = this.driver.offer(request(this.box, IN, slot, data, slot), cpu, true);
      this.owner.set(head, { cpu, slot });
    }
    this.box.post(this.driver.register(0x50), 0, cpu);
    for (const until = this.box.now + pause; this.box.now < until;) this.step();
  }

  step(): void {
    if (this.box.now > CYCLES_MAX) throw new Error("not all requests come back");
    this.box.run(STEP);
    while (this.handled < this.box.interrupts.length) {
      this.handle(this.box.interrupts[this.handled++].cpu);
    }
  }

  /** After a while acknowledgement, everything in the used ring, end of interrupt. */
  private handle(cpu: number): void {
    this.box.run(HANDLER);
    this.box.write(this.driver.register(0x64), 1, cpu);
    for (const { head } of this.driver.used()) {
      const { cpu: submitter, slot } = this.owner.get(head)!;
      expect(this.box.ram.getUint8(STATUS + slot)).toBe(0);
      this.found.push([submitter, cpu]);
      this.slots.push(slot);
    }
    this.box.eoi(VECTOR);
  }

  /** Until all has come back. */
  end(): Found {
    while (this.slots.length < SLOTS) this.step();
    return this.found;
  }
}

/** As found, with the handlers that it should have been. */
const right = (found: Found): Found => found.map(([submitter]) => [submitter, submitter]);

const MODELS = ["model=instant", "model=uniform:1-4", "model=list:20,1,5"];

describe.each(MODELS)("submitter, %s", (words) => {
  it("of two CPUs each gets its own, however near the other one comes", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const guest = new Guest(words, seed);
      // The second one's only entry may be seen with the first one's.
      const pause = BigInt(100 * (seed - 1));
      guest.submit({ cpu: 3, pause, requests: 3 });
      guest.submit({ cpu: 9, pause: BigInt(READ), requests: 1 });
      guest.submit({ cpu: 4, pause: 0n, requests: 2 });
      const found = guest.end();
      expect(found).toHaveLength(6);
      expect(found).toEqual(right(found));
    }
  });

  it("of three at the same time, too", () => {
    const guest = new Guest(words, 2);
    for (const cpu of [5, 12, 5, 1]) guest.submit({ cpu, pause: 0n, requests: 1 });
    const found = guest.end();
    expect(found).toHaveLength(4);
    expect(found).toEqual(right(found));
  });

  it("of sixteen, too", () => {
    const guest = new Guest(words, 5);
    let draw = 4711;
    const random = (below: number) => (draw = (draw * 48271) % 2147483647) % below;
    let wanted = 0;
    for (let i = 0; i < 120; i++) {
      const requests = 1 + random(3);
      guest.submit({ cpu: random(CPUS), pause: BigInt(READ + random(1500)), requests });
      wanted += requests;
    }
    const found = guest.end();
    expect(found).toHaveLength(wanted);
    expect(found).toEqual(right(found));
    expect(new Set(found.map(([cpu]) => cpu)).size).toBe(CPUS);
  });
});

describe("what is remembered", () => {
  it("is bounded: more notifications than a queue has entries are no harm", () => {
    const guest = new Guest("", 1);
    const other = new Driver(guest.box, 1, 0x2000);
    other.initialise();
    for (let i = 0; i < 400; i++) guest.submit({ cpu: i % CPUS, pause: 0n, requests: 0 });
    guest.submit({ cpu: 7, pause: 2000n, requests: 1 });
    expect(guest.end()).toHaveLength(1);
    guest.submit({ cpu: 11, pause: 0n, requests: 2 });
    expect(guest.end().slice(1)).toEqual([[11, 11], [11, 11]]);
    const data = [{ phys: DATA + 8192, bytes: 512, writable: true }];
    other.offer(request(guest.box, IN, 0, data, 9));
    guest.box.run(0n, true);
    expect(other.used()).toHaveLength(1);
  });

  it("is forgotten by a reset, at any time", () => {
    for (let cycles = 400n; cycles < 6000n; cycles += 300n) {
      const { box, driver } = start("", { policy: "submitter" });
      const data = (bytes: number) => [{ phys: DATA, bytes, writable: true }];
      driver.offer(request(box, IN, 0, data(8192)), 1, true);
      for (const cpu of [1, 2, 3]) box.post(driver.register(0x50), 0, cpu);
      box.run(cycles);
      driver.initialise();
      driver.offer(request(box, IN, 0, data(512)), 2);
      box.run(0n, true);
      expect(driver.used()).toHaveLength(1);
    }
  });

  it("is what a reset waits for, as for any transfer", () => {
    const { box, driver } = start("", { policy: "submitter" });
    const status = driver.register(0x70);
    box.post(driver.register(0x50), 0, 3);
    box.post(status, 0, 3);
    expect(box.read(status)).not.toBe(0);
    box.run(0n, true);
    expect(box.read(status)).toBe(0);
    driver.initialise();
    driver.offer(request(box, IN, 0, [{ phys: DATA, bytes: 512, writable: true }]), 3);
    box.run(0n, true);
    expect(driver.used()).toHaveLength(1);
  });

  it("does not hold back a driver that looks at the ring without interrupts", () => {
    const { box, driver } = start("", { policy: "submitter" });
    for (const cpu of [0, 1, 2]) {
      const data = [{ phys: DATA, bytes: 512, writable: true }];
      driver.offer(request(box, IN, 0, data, cpu), cpu);
    }
    box.run(0n, true);
    expect(driver.used()).toHaveLength(3);
    expect(box.interrupts).toEqual([]);
  });
});
